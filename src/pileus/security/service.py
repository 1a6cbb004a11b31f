"""The verbs of access control, each one transaction: bootstrap, projects, principals, tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from pileus.core.clock import Clock
from pileus.core.errors import InvalidRequest
from pileus.core.ids import NewId
from pileus.core.names import check_name
from pileus.core.schemas.tenancy import Caller, Principal, Project, Role, Token
from pileus.security import tokens as token_values
from pileus.security.audit import AuditLog
from pileus.security.errors import (
    LastAdmin,
    NameTaken,
    PrincipalNotFound,
    ProjectNotFound,
    RoleTooLow,
    TokenNotFound,
    TokenUnknown,
)
from pileus.security.known_callers import KnownCallers
from pileus.security.store import principals, projects, tokens
from pileus.storage.database import Database
from pileus.storage.errors import Duplicate
from pileus.storage.idempotency import Once
from pileus.storage.transaction import Snapshot, Transaction, Where

DEFAULT_PROJECT = "default"
FIRST_PRINCIPAL = "owner"
MAX_TOKEN_DAYS = 3650


@dataclass(frozen=True)
class Issued:
    """A token with its secret, which exists nowhere else from here on."""

    token: Token
    secret: str


@dataclass(frozen=True)
class Founded:
    """A new project with the token of its first admin; None when the request was a repeat."""

    project: Project
    secret: str | None


class AccessService:
    """Projects, principals and tokens of an installation."""

    def __init__(
        self, database: Database, clock: Clock, new_id: NewId, key: bytes, audit: AuditLog
    ) -> None:
        self._database = database
        self._known = KnownCallers(database, clock)
        self._new_id = new_id
        self._key = key
        self._audit = audit

    async def bootstrap(self) -> str | None:
        """On an installation without projects: make `default` and its owner, an operator.
        Returns the owner's token then, None ever after."""

        def work(transaction: Transaction) -> str | None:
            if projects.find(transaction, limit=1):
                return None
            _, secret = self._found(transaction, DEFAULT_PROJECT, FIRST_PRINCIPAL, is_operator=True)
            return secret

        return await self._database.write(work)

    async def recover(self, project_name: str) -> str:
        """A fresh token for the first admin of a project, for someone who can read the home."""

        def work(transaction: Transaction) -> str:
            project = _project_named(transaction, project_name)
            admins = principals.find(
                transaction,
                [("project", "=", project.id), ("role", "=", Role.ADMIN), ("disabled", "=", False)],
                order=["id"],
                limit=1,
            )
            if not admins:
                raise PrincipalNotFound(f"Project {project_name!r} has no admin that is enabled")
            return self._issue(transaction, admins[0], "recovered", None).secret

        return await self._database.write(work)

    async def authenticate(self, secret: str) -> Caller:
        """Who holds this token. Raises TokenUnknown."""
        digest = token_values.token_hash(self._key, secret)

        def work(snapshot: Snapshot) -> tuple[Caller, float]:
            token = tokens.get(snapshot, hash=digest)
            if token is None or token.revoked_at is not None:
                raise TokenUnknown
            caller = caller_of(snapshot, token.principal, token.id)
            if caller is None:
                raise TokenUnknown
            if token.expires_at is None:
                return caller, math.inf
            left = (token.expires_at - snapshot.now).total_seconds()
            if left <= 0:
                raise TokenUnknown
            return caller, left

        known = await self._known.find(digest)
        if known is not None:
            return known
        forgotten = self._known.forgotten
        caller, left = await self._database.glance(work)
        self._known.remember(digest, caller, forgotten, left)
        return caller

    async def create_project(self, caller: Caller, name: str, once: Once | None) -> Founded:
        """A new project whose first admin bears the caller's name. Raises NameTaken."""
        name = check_name(name, "project")

        def work(transaction: Transaction) -> Founded:
            made = once.made(transaction, caller.project) if once else None
            if made is not None:
                return Founded(_project(transaction, made), None)
            project, secret = self._found(
                transaction, name, caller.principal_name, is_operator=False
            )
            if once:
                once.remember(transaction, caller.project, project.id)
            self._audit.append(
                transaction, caller, "create", "project", project.id, name=project.name
            )
            return Founded(project, secret)

        return await self._database.write(work)

    async def project(self, project_id: str) -> Project:
        """The project with this id. Raises ProjectNotFound."""
        return await self._database.glance(lambda snapshot: _project(snapshot, project_id))

    async def projects(self, where: Where = (), *, limit: int | None = None) -> list[Project]:
        """Projects of the installation, by id."""
        return await self._database.read(
            lambda snapshot: projects.find(snapshot, where, order=["id"], limit=limit)
        )

    async def principals(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[Principal]:
        """Principals of a project, by id."""
        return await self._database.read(
            lambda snapshot: principals.find(
                snapshot, [("project", "=", project), *where], order=["id"], limit=limit
            )
        )

    async def add_principal(
        self, caller: Caller, name: str, role: Role, kind: str, once: Once | None
    ) -> Principal:
        """A new principal in the caller's project. Raises NameTaken."""
        name = check_name(name, "principal")
        if kind not in {"user", "service"}:
            raise InvalidRequest(
                f"Kind {kind!r} of a principal is not known", hint="Use user or service."
            )

        def work(transaction: Transaction) -> Principal:
            made = once.made(transaction, caller.project) if once else None
            if made is not None:
                return _principal(transaction, caller.project, made)
            principal = self._add(transaction, caller.project, name, role, kind)
            if once:
                once.remember(transaction, caller.project, principal.id)
            self._audit.append(
                transaction, caller, "create", "principal", principal.id, name=name, role=role
            )
            return principal

        return await self._database.write(work)

    async def change_principal(
        self, caller: Caller, name: str, *, role: Role | None, disabled: bool | None
    ) -> Principal:
        """Another role, or disabled. Raises PrincipalNotFound, LastAdmin."""

        def work(transaction: Transaction) -> Principal:
            principal = principal_named(transaction, caller.project, name)
            check_may_act_for(caller, principal)
            changed = principal.model_copy(
                update={
                    "role": role or principal.role,
                    "disabled": principal.disabled if disabled is None else disabled,
                }
            )
            changed = principals.swap(transaction, changed)
            if not _enabled_admins(transaction, caller.project):
                raise LastAdmin(
                    f"{name!r} is the last admin of project {caller.project_name!r}",
                    hint="Give another principal the role admin first.",
                )
            self._audit.append(
                transaction,
                caller,
                "change",
                "principal",
                principal.id,
                role=changed.role,
                disabled=changed.disabled,
            )
            return changed

        return await self._database.write(work)

    async def tokens(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[Token]:
        """Tokens of a project, by id; without their secrets, which nobody has."""
        return await self._database.read(
            lambda snapshot: tokens.find(
                snapshot, [("project", "=", project), *where], order=["id"], limit=limit
            )
        )

    async def issue_token(
        self, caller: Caller, principal_name: str, name: str, expires_days: float | None
    ) -> Issued:
        """A token for a principal of the caller's project. Raises PrincipalNotFound.

        Not idempotent by key on purpose: its secret is shown once and cannot be shown again,
        so a lost answer means another token and the first one is revoked or expires.
        """
        if expires_days is not None and not 0 < expires_days <= MAX_TOKEN_DAYS:
            raise InvalidRequest(
                f"expires_days={expires_days} is out of range",
                hint=f"Use more than 0 and at most {MAX_TOKEN_DAYS} days, or none.",
            )

        def work(transaction: Transaction) -> Issued:
            principal = principal_named(transaction, caller.project, principal_name)
            check_may_act_for(caller, principal)
            issued = self._issue(transaction, principal, name, expires_days)
            self._audit.append(
                transaction, caller, "create", "token", issued.token.id, principal=principal.id
            )
            return issued

        return await self._database.write(work)

    async def revoke_token(self, caller: Caller, token_id: str) -> Token:
        """The token stops working. Raises TokenNotFound."""

        def work(transaction: Transaction) -> Token:
            token = tokens.get(transaction, id=token_id)
            if token is None or token.project != caller.project:
                raise TokenNotFound(
                    f"Token {token_id!r} not found", hint="List them with `pileus token list`."
                )
            if token.revoked_at is not None:
                return token
            revoked = token.model_copy(update={"revoked_at": transaction.now})
            revoked = tokens.swap(transaction, revoked)
            self._audit.append(transaction, caller, "revoke", "token", token.id)
            return revoked

        return await self._database.write(work)

    def _found(
        self, transaction: Transaction, name: str, admin: str, *, is_operator: bool
    ) -> tuple[Project, str]:
        project_id = self._new_id("prj")
        project = Project(id=project_id, project=project_id, created_at=transaction.now, name=name)
        try:
            projects.insert(transaction, project)
        except Duplicate as error:
            raise NameTaken(
                f"Project {name!r} exists already", hint="Choose another name."
            ) from error
        principal = self._add(
            transaction, project_id, admin, Role.ADMIN, "user", is_operator=is_operator
        )
        return project, self._issue(transaction, principal, "first", None).secret

    def _add(
        self,
        transaction: Transaction,
        project: str,
        name: str,
        role: Role,
        kind: str,
        *,
        is_operator: bool = False,
    ) -> Principal:
        principal = Principal(
            id=self._new_id("prn"),
            project=project,
            created_at=transaction.now,
            name=name,
            kind=kind,
            role=role,
            is_operator=is_operator,
        )
        try:
            return principals.insert(transaction, principal)
        except Duplicate as error:
            raise NameTaken(
                f"Principal {name!r} exists already", hint="Choose another name."
            ) from error

    def _issue(
        self, transaction: Transaction, principal: Principal, name: str, days: float | None
    ) -> Issued:
        secret = token_values.new_token(token_values.USER)
        token = Token(
            id=self._new_id("tok"),
            project=principal.project,
            created_at=transaction.now,
            principal=principal.id,
            name=name,
            hash=token_values.token_hash(self._key, secret),
            expires_at=None if days is None else transaction.now + timedelta(days=days),
        )
        return Issued(tokens.insert(transaction, token), secret)


def caller_of(snapshot: Snapshot, principal_id: str, token: str = "") -> Caller | None:
    """A principal as who asks, with its rights of now; None when it, or its project, is gone."""
    principal = principals.get(snapshot, id=principal_id)
    if principal is None or principal.disabled:
        return None
    project = projects.get(snapshot, id=principal.project)
    if project is None:
        return None
    return Caller(
        project=project.id,
        project_name=project.name,
        principal=principal.id,
        principal_name=principal.name,
        role=principal.role,
        token=token,
        is_operator=principal.is_operator,
    )


def _project(snapshot: Snapshot, project_id: str) -> Project:
    project = projects.get(snapshot, id=project_id)
    if project is None:
        raise ProjectNotFound(f"Project {project_id!r} not found")
    return project


def _project_named(snapshot: Snapshot, name: str) -> Project:
    project = projects.get(snapshot, name=name)
    if project is None:
        raise ProjectNotFound(f"Project {name!r} not found")
    return project


def _principal(snapshot: Snapshot, project: str, principal_id: str) -> Principal:
    principal = principals.get(snapshot, id=principal_id)
    if principal is None or principal.project != project:
        raise PrincipalNotFound(f"Principal {principal_id!r} not found")
    return principal


def principal_named(snapshot: Snapshot, project: str, name: str) -> Principal:
    """A principal of a project. Raises PrincipalNotFound."""
    principal = principals.get(snapshot, project=project, name=name)
    if principal is None:
        raise PrincipalNotFound(
            f"Principal {name!r} not found", hint="List them with `pileus member list`."
        )
    return principal


def check_may_act_for(caller: Caller, principal: Principal) -> None:
    """An admin of a project must not gain, or take away, what its operator may do elsewhere."""
    if principal.is_operator and not caller.is_operator:
        raise RoleTooLow(
            f"{principal.name!r} is an operator of the installation; {caller.principal_name!r} is not",
            hint="An operator does that.",
        )


def _enabled_admins(snapshot: Snapshot, project: str) -> list[Principal]:
    return principals.find(
        snapshot,
        [("project", "=", project), ("role", "=", Role.ADMIN), ("disabled", "=", False)],
        limit=1,
    )
