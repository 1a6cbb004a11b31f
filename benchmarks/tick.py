"""How long a decision takes over a large pool: reading what has changed, and deciding.

`python -m benchmarks.tick --json` fills 1,000 nodes in a SQLite database and puts 10,000 jobs in the queue.
Then, round after round, a tenth of a second goes by: some jobs end, as many come, and nodes whose turn it is
renew their leases, as workers do every five seconds. What the engine does next is timed in two parts: its
tick, and the transaction that writes what was decided, which waits for the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import random
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from pileus.core.fake_clock import FakeClock
from pileus.core.ids import Ids
from pileus.core.schemas.jobs import Job, JobSpec, JobStatus, Lease, Node
from pileus.core.schemas.quota import Limit, Quota, Stops
from pileus.core.schemas.resources import Capacity, Device, Resources
from pileus.jobs.ends import Ends, Reported
from pileus.jobs.engine import Engine
from pileus.jobs.learning import Learning
from pileus.jobs.pool import PoolMirror
from pileus.jobs.reaping import Reaper
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import INSTALLATION, jobs, leases, nodes, quotas
from pileus.metering.ledger import Ledger
from pileus.metering.prices import PriceBook
from pileus.metering.storage import StorageAccount
from pileus.security.audit import AuditLog
from pileus.server.tables import TABLES
from pileus.storage.blobs.disk import DiskBlobStore
from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.migrate import migrate
from pileus.storage.transaction import Condition, Transaction
from pileus.tracking.metrics import MetricService
from pileus.tracking.streams import StreamStore

ROUND = timedelta(seconds=0.1)
RENEWED_EVERY = timedelta(seconds=5)
CHANGES = 10
"""Jobs that end in a round, and that come."""

_CPUS, _GIB, _GPUS = 96, 768, 8
_GPUS_ASKED = (0.0, 0.25, 0.5, 1.0, 1.0, 2.0, 4.0, 8.0)
_CPUS_ASKED = (1, 2, 4, 8)
_MIB_ASKED = (2048, 8192, 16384)
_SETTINGS = JobsSettings()


class Cluster:
    """Nodes, jobs and an engine over a database and a clock of their own."""

    def __init__(
        self, directory: Path, database: SqliteDatabase, clock: FakeClock, seed: int = 1
    ) -> None:
        self._database = database
        self._clock = clock
        self._random = random.Random(seed)
        self._ids = Ids(clock, random.Random(seed))
        self._round = 0
        new_id = self._ids.new
        ledger = Ledger(database, new_id, "USD")
        blobs = DiskBlobStore(directory / "blobs")
        streams = StreamStore(directory / "streams", database, blobs)
        storage = StorageAccount(database, ledger, new_id)
        metrics = MetricService(database, streams, blobs, storage)
        self._ends = Ends(database, clock, streams, metrics, ledger, storage, {}, _SETTINGS)
        self._prices = PriceBook(database, new_id, AuditLog(new_id), storage.settle)
        reaper = Reaper(database, clock, self._ends, _SETTINGS)
        learning = Learning()
        self.engine = Engine(
            database,
            clock,
            new_id,
            ledger,
            reaper,
            _SETTINGS,
            learning,
            PoolMirror(_SETTINGS.lease_seconds, learning.history),
        )

    async def fill(self, number: int, queued: int, projects: int) -> None:
        """So many nodes, all that they can run, and so many jobs that wait."""
        self._projects = [f"prj_{i:03}" for i in range(max(projects, 1))]
        made = [self._node(i) for i in range(number)]
        limits = [self._quota(project, number / projects) for project in self._projects[:projects]]

        def work(transaction: Transaction) -> None:
            for node in made:
                nodes.insert(transaction, node)
            for quota in limits:
                quotas.insert(transaction, quota)

        await self._prices.ensure_defaults()
        await self._database.write(work)
        await self._submit(queued)
        while granted := await self.engine.schedule():
            await self._submit(granted)
        self._clock.advance(120)  # what waits has waited for long
        await self._database.write(lambda transaction: self._renew(transaction, 0, 1))

    async def pass_round(self) -> None:
        """What happens in the database between two ticks."""
        self._clock.advance(ROUND.total_seconds())
        turns = RENEWED_EVERY // ROUND
        self._round += 1
        turn = self._round % turns

        def work(transaction: Transaction) -> list[Lease]:
            self._renew(transaction, turn, turns)
            return leases.find(transaction, [("released_at", "=", None)], order=["id"])

        held = await self._database.write(work)
        for lease in self._random.sample(held, CHANGES):
            done = {"schema": 1, "code": 0, "reason": "exited"}
            await self._ends.record(lease.attempt, Reported(done, None, ()))
        await self._submit(CHANGES)

    def _renew(self, transaction: Transaction, turn: int, turns: int) -> None:
        expires_at = transaction.now + timedelta(seconds=_SETTINGS.lease_seconds)
        for node in nodes.find(transaction, order=["name"])[turn::turns]:
            nodes.swap(transaction, node.model_copy(update={"seen_at": transaction.now}))
            on_node: list[Condition] = [("node", "=", node.id), ("released_at", "=", None)]
            for lease in leases.find(transaction, on_node):
                leases.swap(transaction, lease.model_copy(update={"expires_at": expires_at}))

    async def _submit(self, number: int) -> None:
        made = [self._job() for _ in range(number)]

        def work(transaction: Transaction) -> None:
            for job in made:
                jobs.insert(transaction, job)

        await self._database.write(work)

    def _node(self, number: int) -> Node:
        kind = ("nvidia-h200", "nvidia-a100")[number % 2]
        devices = tuple(Device(id=f"{i}", kind=kind, memory_mib=81920) for i in range(_GPUS))
        return Node(
            id=self._ids.new("nod"),
            project=INSTALLATION,
            created_at=self._clock.now(),
            name=f"node-{number:04}",
            boot_id="b",
            capacity=Capacity(
                cpu_milli=_CPUS * 1000, memory_mib=_GIB * 1024, devices=devices, sandbox=True
            ),
            seen_at=self._clock.now(),
        )

    def _quota(self, project: str, nodes: float) -> Quota:
        gpus = Limit(nominal=round(nodes * _GPUS * 1000), borrowing=None, lending=None)
        return Quota(
            id=self._ids.new("quo"),
            project=project,
            created_at=self._clock.now(),
            cohort="all",
            limits={"gpu_milli": gpus},
            reclaim=Stops.ANY,
            preempt=Stops.LOWER,
        )

    def _job(self) -> Job:
        self._clock.advance(0.0001)
        choose = self._random.choice
        spec = JobSpec(
            kind="command",
            command=("true",),
            resources=Resources(
                cpu=choose(_CPUS_ASKED), memory_mib=choose(_MIB_ASKED), gpu=choose(_GPUS_ASKED)
            ),
            priority=choose((0, 0, 0, 10)),
            timeout_seconds=choose((None, 3600.0)),
        )
        return Job(
            id=self._ids.new("job"),
            project=choose(self._projects),
            created_at=self._clock.now(),
            kind="command",
            name=None,
            status=JobStatus.QUEUED,
            spec=spec,
            inputs=(),
            params={"entry": None, "environment": "plain", "values": {}},
            dataset_version=None,
            code_digest="",
            priority=spec.priority,
            submitted_by="prn_1",
        )


async def measure(number: int, queued: int, projects: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of ticks and of what writes them, over so many rounds."""
    with tempfile.TemporaryDirectory(prefix="pileus-tick-") as directory:
        path = Path(directory) / "pileus.db"
        await asyncio.to_thread(migrate, f"sqlite:///{path}", TABLES, Path(directory) / "backups")
        clock = FakeClock()
        database = SqliteDatabase(path, TABLES, clock)
        await database.start()
        try:
            cluster = Cluster(Path(directory), database, clock)
            await cluster.fill(number, queued, projects)
            return await _timed(cluster, rounds)
        finally:
            await database.close()


async def _timed(cluster: Cluster, rounds: int) -> dict[str, Any]:
    ticks, processor, writes, grants = [], [], [], 0
    for _ in range(rounds):
        await cluster.pass_round()
        started, used = time.perf_counter(), time.process_time()
        pool, plan = await cluster.engine.plan()
        decided = time.perf_counter()
        processor.append((time.process_time() - used) * 1000)
        grants += await cluster.engine.apply(pool, plan)
        ticks.append((decided - started) * 1000)
        writes.append((time.perf_counter() - decided) * 1000)
    return {
        "tick_ms_p50": round(statistics.median(ticks), 1),
        "tick_ms_p99": round(statistics.quantiles(ticks, n=100, method="inclusive")[98], 1),
        "tick_ms_max": round(max(ticks), 1),
        "tick_cpu_ms_p50": round(statistics.median(processor), 1),
        "tick_cpu_ms_least": round(min(processor), 1),
        "write_ms_p50": round(statistics.median(writes), 1),
        "grants_per_tick": round(grants / rounds, 1),
        "running": sum(map(len, pool.held.values())),
        "considered": len(pool.queue),
    }


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--queued", type=int, default=10_000, help="jobs that wait")
    parser.add_argument("--projects", type=int, default=0, help="with quotas, in one cohort")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    gc.set_threshold(20_000)  # as in our processes
    found = {
        **asyncio.run(measure(given.nodes, given.queued, given.projects, given.rounds)),
        "nodes": given.nodes,
        "queued": given.queued,
        "projects": given.projects,
        "load_average": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}",
    }
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
