"""The verbs on quotas, each one transaction: set, remove, list with what is used of them."""

from __future__ import annotations

from pileus.core.ids import NewId
from pileus.core.schemas.quota import Held, Quota, QuotaShown, QuotaTerms
from pileus.core.schemas.tenancy import Caller, Project
from pileus.jobs.errors import QuotaNotFound
from pileus.jobs.policy.holdings import holdings_of
from pileus.jobs.policy.quota import Quotas
from pileus.jobs.store import bump_epoch, leases, nodes, quotas
from pileus.security.audit import AuditLog
from pileus.security.errors import ProjectNotFound
from pileus.security.store import projects
from pileus.security.tombstones import mark_gone
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction


class QuotaService:
    """Quotas of projects. An operator sets them; a project without one is not limited."""

    def __init__(self, database: Database, new_id: NewId, audit: AuditLog) -> None:
        self._database = database
        self._new_id = new_id
        self._audit = audit

    async def set(self, caller: Caller, project: str, terms: QuotaTerms) -> Quota:
        """The quota of the project of this name is this from now on. What runs beyond it goes on.

        Raises ProjectNotFound.
        """

        def work(transaction: Transaction) -> Quota:
            of = _project(transaction, project)
            old = quotas.get(transaction, project=of.id)
            fields = {name: getattr(terms, name) for name in QuotaTerms.model_fields}
            if old is None:
                made = Quota(
                    id=self._new_id("quo"), project=of.id, created_at=transaction.now, **fields
                )
                found = quotas.insert(transaction, made)
            else:
                found = quotas.swap(transaction, old.model_copy(update=fields))
            bump_epoch(transaction)
            detail = terms.model_dump(mode="json", exclude_none=True)
            self._audit.append(transaction, caller, "set", "quota", found.id, of=of.name, **detail)
            return found

        return await self._database.write(work)

    async def remove(self, caller: Caller, project: str) -> None:
        """The project of this name is not limited any more. Raises ProjectNotFound, QuotaNotFound."""

        def work(transaction: Transaction) -> None:
            of = _project(transaction, project)
            old = quotas.get(transaction, project=of.id)
            if old is None:
                raise QuotaNotFound(
                    f"Project {project!r} has no quota", hint="`pileus quota list` shows all."
                )
            transaction.delete(quotas.table, [("id", "=", old.id)])
            mark_gone(transaction, caller, self._new_id("tmb"), "quota", old.id, of.name)
            bump_epoch(transaction)
            self._audit.append(transaction, caller, "remove", "quota", old.id, of=of.name)

        await self._database.write(work)

    async def list(self, project: str | None = None) -> list[QuotaShown]:
        """Quotas by name of the project, or that of one, and what is used of them now."""

        def work(snapshot: Snapshot) -> list[QuotaShown]:
            known = Quotas(quotas.find(snapshot))
            held = leases.find(
                snapshot, [("released_at", "=", None), ("project", "in", list(known.of))]
            )
            for one in holdings_of(held, nodes.find(snapshot), known, snapshot.now):
                known.take(one.project, one.amounts)
            wanted = [id_ for id_ in known.of if project in {None, id_}]
            found = projects.find(snapshot, [("id", "in", wanted)], order=["name"])
            return [_shown(known, of) for of in found]

        return await self._database.read(work)


def _project(snapshot: Snapshot, name: str) -> Project:
    found = projects.get(snapshot, name=name)
    if found is None:
        raise ProjectNotFound(
            f"Project {name!r} not found", hint="List them: `pileus project list`."
        )
    return found


def _shown(known: Quotas, of: Project) -> QuotaShown:
    quota = known.of[of.id]
    return QuotaShown(
        project=of.id,
        name=of.name,
        cohort=quota.cohort,
        weight=quota.weight,
        reclaim=quota.reclaim,
        preempt=quota.preempt,
        resources=tuple(
            Held(
                resource=resource,
                nominal=limit.nominal,
                borrowing=limit.borrowing,
                lending=limit.lending,
                used=known.used(of.id, resource),
                borrowed=known.borrowed(of.id, resource),
            )
            for resource, limit in quota.limits.items()
        ),
    )
