"""Which code snapshots nothing names any more: no job, schedule or model version, nor one that was
deleted and may come back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pileus.core.schemas.code import CodeSnapshot
from pileus.jobs.tables import JOBS, SCHEDULES
from pileus.registry.code import forget, unused_since
from pileus.registry.tables import MODEL_VERSIONS
from pileus.security.tombstones import kept_in_project
from pileus.server.deletion.fates import TABLES_BY_NAME
from pileus.storage.transaction import Condition, Snapshot, Transaction

_NAMING = (JOBS, MODEL_VERSIONS)
"""Tables whose `code_digest` may be that of a snapshot."""


def forget_unused(transaction: Transaction, before: datetime) -> int:
    """Remove snapshots that nothing names, and that nobody asked for since `before`; how many."""
    old: dict[str, list[CodeSnapshot]] = {}
    for one in unused_since(transaction, before):
        old.setdefault(one.project, []).append(one)
    gone = [one for project, found in old.items() for one in _unnamed(transaction, project, found)]
    forget(transaction, gone)
    return len(gone)


def _unnamed(snapshot: Snapshot, project: str, found: Iterable[CodeSnapshot]) -> list[CodeSnapshot]:
    digests = {one.manifest: one for one in found}
    where: list[Condition] = [("project", "=", project), ("code_digest", "in", list(digests))]
    named = {
        str(record["code_digest"]) for table in _NAMING for record in snapshot.find(table, where)
    }
    kept = [(table, row) for _, table, row in kept_in_project(snapshot, project, TABLES_BY_NAME)]
    named |= {str(record.get("code_digest")) for _, record in kept}
    scheduled = [*snapshot.find(SCHEDULES, [("project", "=", project)])]
    scheduled += [record for table, record in kept if table is SCHEDULES]
    asked = {job.get("code") for one in scheduled for job in one["pipeline"]["jobs"].values()}
    return [one for digest, one in digests.items() if digest not in named and one.id not in asked]
