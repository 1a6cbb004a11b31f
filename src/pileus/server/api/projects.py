"""Projects, principals and tokens."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pileus.core.schemas.base import Name, Schema
from pileus.core.schemas.tenancy import Principal, Project, Role, Token
from pileus.security.errors import RoleTooLow
from pileus.security.tables import PRINCIPALS, PROJECTS, TOKENS
from pileus.server.api import routing
from pileus.server.api.access import Admin, Developer, Operator, Use, Viewer
from pileus.server.api.creating import Creating
from pileus.server.api.paging import Listed, Paging

router = routing.router("projects")


class NewProject(Schema):
    """A project to be."""

    name: Name


class NewPrincipal(Schema):
    """A principal to be."""

    name: Name
    role: Role = Role.DEVELOPER
    kind: str = "user"


class PrincipalChange(Schema):
    """What changes about a principal; the rest stays."""

    role: Role | None = None
    disabled: bool | None = None


class NewToken(Schema):
    """A token to be."""

    principal: str | None = None
    """Whose; the caller's own when absent."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = "token"
    expires_days: float | None = None


class ProjectMade(Schema):
    """A new project; `token` is its admin's, shown once, null when the request was a repeat."""

    project: Project
    token: str | None


class TokenMade(Schema):
    """A new token; `token` is the secret, shown once."""

    id: str
    name: str
    principal: str
    expires_at: str | None
    token: str


class TokenShown(Schema):
    """A token without its hash."""

    id: str
    project: str
    name: str
    principal: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None


@router.post("/projects", status_code=201)
async def create_project(
    body: NewProject, caller: Operator, services: Use, once: Creating
) -> ProjectMade:
    """A new project. Its first admin bears the caller's name."""
    founded = await services.access.create_project(caller, body.name, once)
    return ProjectMade(project=founded.project, token=founded.secret)


@router.get("/projects")
async def list_projects(caller: Viewer, services: Use, page: Paging) -> Listed[Project]:
    """Every project for an operator; for others the one that their token is for."""
    if caller.is_operator:
        return await page.list(PROJECTS, services.access.projects)
    return Listed[Project](items=[await services.access.project(caller.project)], next=None)


@router.get("/projects/{project}")
async def show_project(caller: Viewer, services: Use) -> Project:
    """The project of the path."""
    return await services.access.project(caller.project)


@router.get("/projects/{project}/principals")
async def list_principals(caller: Viewer, services: Use, page: Paging) -> Listed[Principal]:
    """Who belongs to the project."""
    return await page.list(PRINCIPALS, services.access.principals, caller.project)


@router.post("/projects/{project}/principals", status_code=201)
async def add_principal(
    body: NewPrincipal, caller: Admin, services: Use, once: Creating
) -> Principal:
    """A new member."""
    return await services.access.add_principal(caller, body.name, body.role, body.kind, once)


@router.patch("/projects/{project}/principals/{name}")
async def change_principal(
    name: str, body: PrincipalChange, caller: Admin, services: Use
) -> Principal:
    """Another role, disabled or enabled."""
    return await services.access.change_principal(
        caller, name, role=body.role, disabled=body.disabled
    )


@router.get("/projects/{project}/tokens")
async def list_tokens(caller: Admin, services: Use, page: Paging) -> Listed[TokenShown]:
    """Tokens of the project, without their secrets."""
    found = await page.list(TOKENS, services.access.tokens, caller.project)
    return Listed[TokenShown](items=[_shown(token) for token in found.items], next=found.next)


@router.post("/projects/{project}/tokens", status_code=201)
async def create_token(body: NewToken, caller: Developer, services: Use) -> TokenMade:
    """A token for oneself; for others, by an admin."""
    name = body.principal or caller.principal_name
    if name != caller.principal_name and not caller.role.includes(Role.ADMIN):
        raise RoleTooLow(
            f"Only an admin makes a token for {name!r}", hint="Leave the principal out for yours."
        )
    issued = await services.access.issue_token(caller, name, body.name, body.expires_days)
    return TokenMade(
        id=issued.token.id,
        name=issued.token.name,
        principal=name,
        expires_at=issued.token.expires_at.isoformat() if issued.token.expires_at else None,
        token=issued.secret,
    )


@router.post("/projects/{project}/tokens/{token_id}/revoke")
async def revoke_token(token_id: str, caller: Admin, services: Use) -> TokenShown:
    """The token stops working."""
    return _shown(await services.access.revoke_token(caller, token_id))


def _shown(token: Token) -> TokenShown:
    return TokenShown(
        id=token.id,
        project=token.project,
        name=token.name,
        principal=token.principal,
        created_at=token.created_at.isoformat(),
        expires_at=token.expires_at.isoformat() if token.expires_at else None,
        revoked_at=token.revoked_at.isoformat() if token.revoked_at else None,
    )
