"""The job engine over a database and a clock of its own, and a node that is spoken for by hand."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pileus.core.fake_clock import FakeClock
from pileus.core.ids import Ids
from pileus.core.schemas.jobs import (
    Artifact,
    Attempt,
    AttemptReport,
    DesiredAttempt,
    Job,
    JobSpec,
    Lease,
    Node,
    NodeOrders,
    NodeReport,
    Registration,
)
from pileus.core.schemas.metering import LedgerEntry
from pileus.core.schemas.resources import Capacity
from pileus.core.schemas.secrets import Secret
from pileus.core.schemas.tenancy import Caller, Role
from pileus.data.clean.catalogue import Cleaning
from pileus.jobs.ends import Ends
from pileus.jobs.engine import Engine
from pileus.jobs.learning import Learning
from pileus.jobs.nodes import NodeService
from pileus.jobs.outcomes import Outcome
from pileus.jobs.pool import PoolMirror
from pileus.jobs.reaping import Reaper
from pileus.jobs.recipes import PreparedRecipe
from pileus.jobs.service import JobService
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import attempts, jobs, leases, nodes
from pileus.metering.ledger import Ledger
from pileus.metering.prices import PriceBook
from pileus.metering.storage import StorageAccount
from pileus.metering.store import ledger
from pileus.security.audit import AuditLog
from pileus.security.store import secrets
from pileus.server.drafts import Drafts
from pileus.server.outcomes import ModelOutcome, VersionOutcome
from pileus.server.tables import TABLES
from pileus.storage.blobs.disk import DiskBlobStore
from pileus.storage.database import Database
from pileus.storage.databases.memory import MemoryDatabase
from pileus.storage.errors import DatabaseUnavailable
from pileus.storage.table import Table
from pileus.storage.transaction import Transaction
from pileus.tracking.metrics import MetricService
from pileus.tracking.streams import StreamStore

PROJECT = "prj_1"
CALLER = Caller(
    project=PROJECT,
    project_name="default",
    principal="prn_1",
    principal_name="owner",
    role=Role.ADMIN,
    token="tok_1",
    is_operator=True,
)
SETTINGS = JobsSettings(retry_seconds=0)


class OneRecipe:
    """A catalogue that takes any name."""

    def prepare(self, recipe: str, config: Mapping[str, Any]) -> PreparedRecipe:
        return PreparedRecipe(
            params=dict(config),
            entry="m",
            environment="torch",
            code_digest="d",
            kinds=frozenset({"images", "table"}),
            tasks=frozenset({"classification", "regression"}),
            otherwise="other",
        )


@dataclass
class Room:
    """Everything that moves a job."""

    clock: FakeClock
    database: Database
    ids: Ids
    blobs: DiskBlobStore
    streams: StreamStore
    storage: StorageAccount
    prices: PriceBook
    ends: Ends
    reaper: Reaper
    engine: Engine
    nodes: NodeService
    jobs: JobService

    async def submit(self, **spec: Any) -> Job:
        body = {"kind": "command", "command": ["true"]} | spec
        return await self.jobs.submit(CALLER, JobSpec.model_validate(body), None)

    async def job(self, job: Job | str) -> Job:
        return await self.jobs.job(PROJECT, job if isinstance(job, str) else job.id)

    async def all(self) -> tuple[list[Job], list[Attempt], list[Lease], list[Node]]:
        return await self.database.read(
            lambda s: (jobs.find(s), attempts.find(s), leases.find(s), nodes.find(s))
        )

    async def entries(self) -> list[LedgerEntry]:
        return await self.database.read(ledger.find)


class Failing:
    """A snapshot whose connection breaks when rows of a table are read."""

    def __init__(self, snapshot: Any, table: Table) -> None:
        self._snapshot = snapshot
        self._table = table

    def __getattr__(self, name: str) -> Any:
        return getattr(self._snapshot, name)

    def find(self, table: Table, *arguments: Any, **options: Any) -> Any:
        if table is self._table:
            raise DatabaseUnavailable("The connection was lost")
        return self._snapshot.find(table, *arguments, **options)


@dataclass
class Worker:
    """A node's end of the link."""

    room: Room
    name: str = "n1"
    cpu_milli: int = 4000
    boot_id: str = "boot-1"
    id: str = ""
    seen: int = 0
    orders: dict[str, DesiredAttempt] = field(default_factory=dict)

    async def register(self, *holding: str) -> Worker:
        self.id = (await self.room.nodes.register(self.registration(*holding))).id
        return self

    def registration(self, *holding: str) -> Registration:
        return Registration(
            name=self.name,
            boot_id=self.boot_id,
            capacity=Capacity(cpu_milli=self.cpu_milli, memory_mib=8192),
            pid=1,
            version="0",
            holding=holding,
        )

    async def sync(self, *reports: AttemptReport) -> NodeOrders:
        report = NodeReport(boot_id=self.boot_id, seen=self.seen, attempts=reports)
        orders = await self.room.nodes.sync(self.id, report, 0)
        self.seen = orders.version
        self.orders = {order.id: order for order in orders.attempts}
        return orders

    async def start(self) -> AttemptReport:
        """Take the one order, and report it as running."""
        await self.sync()
        order = next(iter(self.orders.values()))
        await self.sync(running(order))
        return running(order)


async def put_secret(room: Room, name: str = "PW", version: int = 1) -> None:
    """A secret whose value nobody reads here."""

    def work(transaction: Transaction) -> None:
        transaction.delete(secrets.table, [("name", "=", name)])
        secrets.insert(
            transaction,
            Secret(
                id=f"sec_{name}",
                project=PROJECT,
                created_at=transaction.now,
                name=name,
                version=version,
                updated_at=transaction.now,
                set_by=CALLER.principal,
                key="key_1",
                sealed="",
            ),
        )

    await room.database.write(work)


def running(order: DesiredAttempt) -> AttemptReport:
    return AttemptReport(id=order.id, lease_token=order.lease_token, state="running")


def ended(
    of: DesiredAttempt | AttemptReport,
    *,
    code: int | None = 0,
    reason: str = "exited",
    artifacts: tuple[Artifact, ...] = (),
    result: Any = None,
    **exit_: Any,
) -> AttemptReport:
    document = {"schema": 1, "code": code, "reason": reason} | exit_
    return AttemptReport(
        id=of.id,
        lease_token=of.lease_token,
        state="ended",
        exit=document,
        result=result,
        artifacts=artifacts,
    )


@asynccontextmanager
async def opened(
    directory: Path,
    clock: FakeClock | None = None,
    database: Database | None = None,
    settings: JobsSettings = SETTINGS,
) -> AsyncIterator[Room]:
    clock = clock or FakeClock()
    database = database or MemoryDatabase(TABLES, clock)
    await database.start()
    ids = Ids(clock, random.Random(directory.name))  # two rooms of one state never agree
    room = build(directory, clock, database, ids, settings)
    await room.blobs.start()
    await room.prices.ensure_defaults()
    yield room
    await database.close()


def build(
    directory: Path, clock: FakeClock, database: Database, ids: Ids, settings: JobsSettings
) -> Room:
    audit = AuditLog(ids.new)
    blobs = DiskBlobStore(directory / "blobs")
    streams = StreamStore(directory / "streams", database, blobs)
    book = Ledger(database, ids.new, "USD")
    storage = StorageAccount(database, book, ids.new)
    metrics = MetricService(database, streams, blobs, storage)
    outcomes: dict[str, Outcome] = {
        "train": ModelOutcome(blobs, ids.new),
        "transform": VersionOutcome(Drafts(blobs, storage), ids.new),
    }
    ends = Ends(database, clock, streams, metrics, book, storage, outcomes, settings)
    learning = Learning()
    mirror = PoolMirror(settings.lease_seconds, learning.history)
    reaper = Reaper(database, clock, ends, settings)
    return Room(
        clock=clock,
        database=database,
        ids=ids,
        blobs=blobs,
        streams=streams,
        storage=storage,
        prices=PriceBook(database, ids.new, audit, storage.settle),
        ends=ends,
        reaper=reaper,
        engine=Engine(database, clock, ids.new, book, reaper, settings, learning, mirror),
        nodes=NodeService(database, clock, ids.new, ends, b"k" * 32, settings),
        jobs=JobService(database, ids.new, audit, OneRecipe(), Cleaning(), settings, "USD", mirror),
    )
