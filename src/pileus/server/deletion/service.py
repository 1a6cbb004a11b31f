"""The verbs of deletion, each one transaction: delete, undelete, list what was deleted."""

from __future__ import annotations

import asyncio

from pileus.core.schemas.deletion import Tombstone
from pileus.core.schemas.tenancy import Caller, Role
from pileus.jobs.store import jobs
from pileus.metering.storage import StorageAccount
from pileus.registry.store import datasets, model_versions, models, settle_newest
from pileus.security.audit import AuditLog
from pileus.security.errors import CannotReturn, RoleTooLow, TombstoneNotFound
from pileus.security.store import principals, tombstone_of, tombstones
from pileus.security.tombstones import Rows, Tombstones
from pileus.server.deletion.fates import TABLES_BY_NAME
from pileus.server.deletion.marking import named_by_the_living, named_in
from pileus.server.deletion.plans import PLANS
from pileus.serving.store import revisions
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction, Where

_CONTAINERS = {
    "dataset_version": datasets.table,
    "model_version": models.table,
    "job": jobs.table,
    "token": principals.table,
}
"""Noun → what it belongs to, and cannot come back without."""

_ADMINS = {"principal", "token"}
"""Nouns that only an admin deletes, and brings back."""


class DeletionService:
    """Deletes what `plans.py` permits, and brings it back within its grace."""

    def __init__(
        self,
        database: Database,
        buried: Tombstones,
        audit: AuditLog,
        storage: StorageAccount,
    ) -> None:
        self._database = database
        self._buried = buried
        self._audit = audit
        self._storage = storage
        self.due = asyncio.Event()
        """Set when something without a grace waits for collection."""

    async def delete(
        self, caller: Caller, noun: str, reference: str, *, now: bool = False
    ) -> Tombstone:
        """Delete what `reference` names; `now` without a way back.

        Raises NotFound, StillUsed, NotDeletable, LastAdmin, RoleTooLow.
        """
        plan = PLANS[noun]

        def work(transaction: Transaction) -> Tombstone:
            burial = plan(transaction, caller, reference)
            tombstone = self._buried.bury(transaction, caller, burial, now=now)
            if burial.noun == "project":
                self._storage.free_all(transaction, burial.subject)
            else:
                self._free(transaction, caller.project, burial.all_rows)
            _settle(transaction, burial.all_rows)
            self._audit.append(
                transaction,
                caller,
                "delete",
                burial.noun,
                burial.subject,
                name=burial.name,
                tombstone=tombstone.id,
                now=now,
            )
            return tombstone

        tombstone = await self._database.write(work)
        if now:
            self.due.set()
        return tombstone

    async def undelete(self, caller: Caller, identifier: str) -> Tombstone:
        """Bring back what has this id, or this tombstone; with all that went with it.

        Raises TombstoneNotFound, CannotReturn, RoleTooLow.
        """

        def work(transaction: Transaction) -> Tombstone:
            tombstone = _find(transaction, caller.project, identifier)
            _check_may(caller, tombstone)
            _check_can_return(transaction, tombstone)
            rows = self._buried.bring_back(transaction, tombstone, TABLES_BY_NAME)
            if tombstone.noun == "project":
                owner, named = (
                    tombstone.subject,
                    named_by_the_living(transaction, tombstone.subject),
                )
            else:
                owner, named = tombstone.project, named_in(rows)
            self._storage.announce(transaction, owner, named)
            _settle(transaction, rows)
            self._audit.append(
                transaction,
                caller,
                "undelete",
                tombstone.noun,
                tombstone.subject,
                name=tombstone.name,
            )
            return tombstone

        return await self._database.write(work)

    async def deleted(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[Tombstone]:
        """Tombstones of a project, newest first."""
        return await self._database.read(
            lambda snapshot: tombstones.find(
                snapshot, [("project", "=", project), *where], order=["-id"], limit=limit
            )
        )

    def _free(self, transaction: Transaction, project: str, rows: Rows) -> None:
        named = named_in(rows)
        if named:
            still = named_by_the_living(transaction, project, named)
            self._storage.free(transaction, project, named - still)


def _find(snapshot: Snapshot, project: str, identifier: str) -> Tombstone:
    found = tombstones.get(snapshot, id=identifier) or tombstone_of(snapshot, identifier, project)
    if found is None or found.project != project:
        raise TombstoneNotFound(
            f"Nothing with the id {identifier!r} was deleted in this project",
            hint="List what was with `pileus deleted`.",
        )
    # Collection begins here and may take several steps, so this is where the way back ends.
    if found.collected_at is not None or found.kept_until <= snapshot.now:
        had_grace = found.kept_until > found.created_at
        raise CannotReturn(
            f"{found.noun.replace('_', ' ').capitalize()} {found.name!r} "
            + (
                f"could be brought back until {found.kept_until:%Y-%m-%d %H:%M} UTC"
                if had_grace
                else "went at once, and cannot be brought back"
            ),
            hint="Make it anew.",
        )
    if found.parent is not None:
        raise CannotReturn(
            f"{found.noun} {found.name!r} was deleted with what it belonged to",
            hint=f"Bring all of it back with `pileus undelete {found.parent}`.",
        )
    return found


def _check_may(caller: Caller, tombstone: Tombstone) -> None:
    if tombstone.noun in _ADMINS and not caller.role.includes(Role.ADMIN):
        raise RoleTooLow(
            f"{caller.principal_name!r} is {caller.role}; a {tombstone.noun} needs an admin",
            hint="Ask an admin of the project.",
        )
    if tombstone.noun == "project" and not caller.is_operator:
        raise RoleTooLow(
            f"{caller.principal_name!r} is not an operator of this installation",
            hint="The owner of the project 'default' is.",
        )


def _check_can_return(snapshot: Snapshot, tombstone: Tombstone) -> None:
    """Raises CannotReturn when what it belongs to, or needs, is not there."""
    container = tombstone.container
    table = _CONTAINERS.get(tombstone.noun)
    if table is not None and container and snapshot.get(table, id=container) is None:
        raise _needs(snapshot, tombstone, container)
    if tombstone.noun == "endpoint":
        revision = revisions.get(snapshot, id=str(tombstone.lineage.get("revision")))
        if revision is not None and model_versions.get(snapshot, id=revision.model_version) is None:
            raise _needs(snapshot, tombstone, revision.model_version)


def _needs(snapshot: Snapshot, tombstone: Tombstone, needed: str) -> CannotReturn:
    other = tombstone_of(snapshot, needed, tombstone.project)
    what = f"{other.noun} {other.name!r}" if other else repr(needed)
    can_return = other is not None and other.collected_at is None
    return CannotReturn(
        f"{tombstone.noun} {tombstone.name!r} needs {what}, which was deleted too",
        hint=f"Bring that back first: `pileus undelete {other.parent or other.id}`."
        if other is not None and can_return
        else "That cannot be brought back any more; make both anew.",
    )


def _settle(transaction: Transaction, rows: Rows) -> None:
    """Let each dataset that lost or regained a version say which is its newest."""
    touched = {
        (str(record["project"]), str(record["dataset"]))
        for table, record in rows
        if table.name == "dataset_version"
    }
    for project, name in sorted(touched):
        settle_newest(transaction, project, name)
