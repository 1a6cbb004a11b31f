"""Projects, principals, roles and tokens."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from pileus.core.schemas.base import Answer, Row


class Role(StrEnum):
    """What a principal may do in its project; each role may do all that the one above may."""

    VIEWER = "viewer"  #: read
    DEVELOPER = "developer"  #: and create, run, predict
    ADMIN = "admin"  #: and manage principals, tokens, prices; read the audit

    def includes(self, other: Role) -> bool:
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


class Project(Row):
    """The tenant. Its `project` is its own id."""

    name: str


class Principal(Row):
    """Who asks: a person or a service, in one project."""

    name: str
    kind: str
    """`user` or `service`."""

    role: Role
    is_operator: bool = False
    """May create projects, drain the pool and see nodes: the installation's own affairs."""

    disabled: bool = False


class Token(Row):
    """How a principal proves who it is. Only a keyed hash is kept."""

    principal: str
    name: str
    hash: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Caller(Answer):
    """Who is behind a request, as authentication found out."""

    project: str
    """Project id; empty for the installation's own processes."""

    project_name: str
    principal: str
    principal_name: str
    role: Role
    token: str
    is_operator: bool = False
    request_id: str | None = Field(default=None, exclude=True)
    """Of the request that it sent: jobs and audit events keep it."""


class AuditEvent(Row):
    """What a principal changed: append-only, each event carries the hash of the one before."""

    seq: int
    principal: str
    action: str
    noun: str
    subject: str
    detail: dict[str, object]
    previous_hash: str
    hash: str
