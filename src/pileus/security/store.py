"""What access control needs from persistence."""

from __future__ import annotations

from pileus.core.schemas.deletion import Tombstone
from pileus.core.schemas.keys import BlobRewrite, ProjectKey
from pileus.core.schemas.secrets import Secret
from pileus.core.schemas.tenancy import Principal, Project, Token
from pileus.security.tables import (
    BLOB_REWRITES,
    PRINCIPALS,
    PROJECT_KEYS,
    PROJECTS,
    SECRETS,
    TOKENS,
    TOMBSTONES,
)
from pileus.storage.rows import Rows
from pileus.storage.transaction import Condition, Snapshot

projects = Rows(PROJECTS, Project)
principals = Rows(PRINCIPALS, Principal)
tokens = Rows(TOKENS, Token)
project_keys = Rows(PROJECT_KEYS, ProjectKey)
blob_rewrites = Rows(BLOB_REWRITES, BlobRewrite)
tombstones = Rows(TOMBSTONES, Tombstone)
secrets = Rows(SECRETS, Secret)


def tombstone_of(snapshot: Snapshot, subject: str, project: str | None = None) -> Tombstone | None:
    """The newest tombstone of what had this id."""
    where: list[Condition] = [("subject", "=", subject)]
    if project is not None:
        where.append(("project", "=", project))
    found = tombstones.find(snapshot, where, order=["-id"], limit=1)
    return found[0] if found else None


def project_existed(snapshot: Snapshot, project: str) -> bool:
    """Whether a project is there, or was until it was deleted: its use is billed either way."""
    return (
        projects.get(snapshot, id=project) is not None
        or tombstone_of(snapshot, project) is not None
    )


def principal_name(snapshot: Snapshot, principal: str) -> str:
    """Name of a principal, also of a deleted one; the id of one that nobody knows."""
    found = principals.get(snapshot, id=principal) or tombstone_of(snapshot, principal)
    return found.name if found else principal
