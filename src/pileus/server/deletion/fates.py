"""What becomes of the rows of each table when something is deleted: one decision per table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from pileus.server.tables import TABLES
from pileus.storage.table import Table


class Fate(StrEnum):
    """How a row may go."""

    DELETED = "deleted"  #: a verb of its own, a tombstone, a grace
    WITH = "with"  #: goes with what it belongs to
    TRIMMED = "trimmed"  #: goes by age
    COLLECTED = "collected"  #: goes when nothing names it
    KEPT = "kept"  #: never deleted
    INSTALLATION = "installation"  #: belongs to no project


class Decision(NamedTuple):
    """A fate, and what it hangs on or why."""

    fate: Fate
    why: str


FATES: Mapping[str, Decision] = {
    "project": Decision(Fate.DELETED, "by an operator; its door at once, the rest when collected"),
    "principal": Decision(Fate.DELETED, "with its tokens"),
    "token": Decision(Fate.DELETED, "or revoked, which leaves it in the list"),
    "dataset": Decision(Fate.DELETED, "with its versions"),
    "dataset_version": Decision(Fate.DELETED, "unless a waiting or running job reads it"),
    "model": Decision(Fate.DELETED, "with its versions"),
    "model_version": Decision(Fate.DELETED, "unless an endpoint serves it"),
    "job": Decision(Fate.DELETED, "once it has ended, and no other job needs what it left"),
    "endpoint": Decision(Fate.DELETED, "gateways stop answering within their poll"),
    "record_segment": Decision(Fate.DELETED, "by age, on request or by the setting records_days"),
    "dataset_profile": Decision(Fate.WITH, "dataset_version: the last of its content"),
    "blob_rewrite": Decision(Fate.WITH, "project"),
    "quota": Decision(Fate.WITH, "project: or by a verb at once; a tombstone stays"),
    "secret": Decision(Fate.WITH, "project: or by a verb at once; a tombstone stays, no value"),
    "code_snapshot": Decision(
        Fate.TRIMMED, "unused for upload_grace_hours, and no job or schedule names it"
    ),
    "pipeline": Decision(Fate.DELETED, "once it has ended; its jobs stay"),
    "schedule": Decision(Fate.DELETED, "its pipelines stay"),
    "job_need": Decision(Fate.WITH, "job: the end of either takes it away"),
    "attempt": Decision(Fate.WITH, "job"),
    "lease": Decision(Fate.WITH, "job"),
    "stream": Decision(Fate.WITH, "job"),
    "metric": Decision(Fate.WITH, "job"),
    "metric_mark": Decision(Fate.WITH, "job"),
    "metric_segment": Decision(Fate.WITH, "job"),
    "artifact": Decision(Fate.WITH, "job"),
    "kept_row": Decision(Fate.WITH, "its tombstone's grace"),
    "revision": Decision(Fate.WITH, "project: a prediction's id resolves to it for good"),
    "idempotency": Decision(Fate.TRIMMED, "after idempotency_days"),
    "blob": Decision(Fate.COLLECTED, "when no table of `references` names it"),
    "project_key": Decision(Fate.KEPT, "destroyed, and its row says so"),
    "tombstone": Decision(Fate.KEPT, "lineage resolves to it"),
    "audit_event": Decision(Fate.KEPT, "append-only, each hash covers the one before"),
    "ledger_entry": Decision(Fate.KEPT, "bills are a sum over it"),
    "carry": Decision(Fate.KEPT, "the remainders of the ledger"),
    "storage_meter": Decision(Fate.KEPT, "the high-water mark of the ledger"),
    "meter_source": Decision(Fate.KEPT, "the high-water mark of a gateway's meters"),
    "meter_counter": Decision(Fate.KEPT, "what was metered must not be metered again"),
    "price": Decision(Fate.KEPT, "superseded by the next one; ledger entries name it"),
    "node": Decision(Fate.INSTALLATION, "a machine: an operator removes one that has gone"),
    "node_usage": Decision(Fate.INSTALLATION, "of a machine; its next report replaces it"),
    "pool": Decision(Fate.INSTALLATION, "the machines"),
}

TABLES_BY_NAME: Mapping[str, Table] = {table.name: table for table in TABLES}

_GO_WITH_THE_PROJECT = {Fate.DELETED, Fate.WITH, Fate.TRIMMED}


def tables_of_a_project() -> list[Table]:
    """Whose rows go for good when a deleted project is collected; those without a project by way
    of their job."""
    return [
        table
        for table in TABLES
        if FATES[table.name].fate in _GO_WITH_THE_PROJECT
        and any(column.name == "project" for column in table.columns)
    ]
