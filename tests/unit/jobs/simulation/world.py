"""Everything, one step at a time, with the invariants checked after each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pileus.core.ids import Ids
from pileus.core.schemas.jobs import AttemptReport, Job, JobSpec, JobStatus, NodeReport
from pileus.core.schemas.quota import Limit, Quota, Stops
from pileus.core.schemas.tenancy import Caller
from pileus.jobs.errors import NeedEnded
from pileus.jobs.store import quotas
from pileus.storage.database import Database
from pileus.storage.transaction import Transaction
from tests.unit.jobs.building import CALLER, Room
from tests.unit.jobs.simulation import quiet
from tests.unit.jobs.simulation.clocks import WorldClock
from tests.unit.jobs.simulation.fence_log import FenceLog
from tests.unit.jobs.simulation.gates import GatedDatabase
from tests.unit.jobs.simulation.invariants import Invariants, Rows
from tests.unit.jobs.simulation.machine import Machine
from tests.unit.jobs.simulation.network import Network, Request
from tests.unit.jobs.simulation.server import Operation, Server
from tests.unit.jobs.simulation.steps import Step

_SECONDS = (0.05, 0.7, 3, 5, 8, 12, 31, 31, 70, 200, 640, 700)
_JUMPS = (-7200.0, -40.0, -1.0, 1.0, 20.0, 0.0)
_ROUNDS = 400
"""Of a healthy world: enough for a fence, and for every retry of every job."""


OTHER = CALLER.model_copy(update={"project": "prj_2"})


class World:
    """Two servers, two nodes; `databases` are the servers' ways to one store."""

    def __init__(
        self, directory: Path, clock: WorldClock, databases: tuple[Database, Database]
    ) -> None:
        self.clock = clock
        self.network = Network()
        self.log = FenceLog()
        ids = Ids(clock, random.Random(1))
        self.servers = [
            Server(directory / "server", database, clock, ids, self.network)
            for database in databases
        ]
        self.machines = [
            Machine(name, directory / name, clock, self.network, self.log) for name in ("n1", "n2")
        ]
        self._database = GatedDatabase(databases[0], clock)
        self._invariants = Invariants(self.log)
        self._checked = 0
        self._submitted: set[str] = set()
        self._cancelled: set[str] = set()
        self.rows: Rows

    async def live(self, history: Sequence[Step]) -> None:
        """Begin, do every step, and come to rest."""
        await self.servers[0].room.blobs.start()
        await self.servers[0].room.prices.ensure_defaults()
        await self._database.write(_set_quotas)
        for machine in self.machines:
            machine.start_worker()
        await self._check()
        for step in history:
            await self._do(step)
        await self._settle()

    async def _do(self, step: Step) -> None:
        await getattr(self, f"_{step.name}")(step.a, step.b)
        await self._check()

    async def _check(self) -> None:
        await quiet.current().quiet()
        for server in self.servers:
            server.sweep()
        last = await self._database.read(lambda snapshot: snapshot.last_change())
        if last != self._checked:
            self._checked = last
            self.rows = await self._database.read(Rows)
            self._invariants.check(self.rows)
        else:
            self.log.check()
        assert self._submitted <= self.rows.jobs.keys(), "an acknowledged job was lost"

    # --- what people ask for

    async def _submit(self, a: int, b: int, **needs: Any) -> None:
        gang = 2 if a % 4 == 3 else 1
        memory_mib = 1200 if a % 8 == 7 else 700  # two members of 1200 need both nodes
        spec = JobSpec.model_validate(
            {
                "kind": "command",
                "command": ["true"],
                "resources": {"cpu": 1 if gang > 1 else 1 + a % 2, "memory_mib": memory_mib},
                "gang": gang,
                "timeout_seconds": (None, None, 50.0)[b % 3],
                "grace_seconds": 10.0,
                "max_attempts": 2 + a % 2,
                "priority": b // 4,
                **needs,
            }
        )
        caller = self._caller(a)

        async def work(room: Room) -> None:
            with suppress(NeedEnded):  # what it needs may end while it is on its way
                job = await room.jobs.submit(caller, spec, None)
                self._submitted.add(job.id)

        await self._finish(self._server(b).do("submit", work))

    async def _chain(self, a: int, b: int) -> None:
        """A job comes that needs one or two which have not ended."""
        project = self._caller(a).project
        own = [job.id for job in self._open_jobs() if job.project == project]
        needs = own[a % 3 :: 3][:2]
        await self._submit(a, b, needs=needs, needs_on=("success", "any")[b % 2])

    async def _cancel(self, a: int, b: int) -> None:
        open_ = [job for job in self.rows.jobs.values() if not job.status.is_final]
        if not open_:
            return
        id_ = open_[a % len(open_)].id
        caller = CALLER.model_copy(update={"project": open_[a % len(open_)].project})

        async def work(room: Room) -> None:
            job = await room.jobs.cancel(caller, id_)
            self._cancelled.add(job.id)

        await self._started_or_finished(self._server(b).do("cancel", work), b)

    async def _drain(self, a: int, b: int) -> None:
        work = self._server(a).do("drain", lambda room: room.jobs.drain(CALLER))
        await self._started_or_finished(work, b)

    async def _undrain(self, a: int, b: int) -> None:
        await self._finish(self._server(a).do("undrain", lambda room: room.jobs.undrain()))

    async def _calm(self, a: int, b: int) -> None:
        """For once all goes well: a job comes, and what waits is granted and started."""
        await self._submit(a, b)
        for number in (a, a + 1):
            self._machine(number).start_worker()
            await self._check()
            await self._talk(number, b)
        await self._schedule(b, 0)
        for number in (a, a + 1, a, a + 1):
            await self._talk(number, b)
            await self._check()

    def _caller(self, number: int) -> Caller:
        return OTHER if number // 2 % 2 else CALLER

    # --- what servers do of themselves

    async def _schedule(self, a: int, b: int) -> None:
        if not self._server(a).is_doing("schedule", "reap"):
            work = self._server(a).do("schedule", lambda room: room.engine.schedule())
            await self._started_or_finished(work, b)

    async def _reap(self, a: int, b: int) -> None:
        if not self._server(a).is_doing("schedule", "reap"):
            work = self._server(a).do("reap", lambda room: room.reaper.reap())
            await self._started_or_finished(work, b)

    async def _meter(self, a: int, b: int) -> None:
        if not self._server(a).is_doing("meter"):
            work = self._server(a).do("meter", lambda room: room.engine.meter())
            await self._started_or_finished(work, b)

    async def _open(self, a: int, b: int) -> None:
        """An operation goes on: to its next gate, or to its end."""
        operation = self._operation(a)
        if operation is not None:
            await (self._finish(operation) if b % 2 else operation.step())

    async def _lose_connection(self, a: int, b: int) -> None:
        operation = self._operation(a)
        if operation is not None:
            operation.gate.lose_connection()

    async def _kill_server(self, a: int, b: int) -> None:
        self._server(a).kill()

    # --- what the network does

    async def _talk(self, a: int, b: int) -> None:
        """A worker asks and hears, for once without anything between."""
        machine = self._machine(a)
        request = self.network.asked_by(machine.name)
        if request is not None and not request.is_taken:
            self.network.requests.remove(request)
            await self._finish(self._server(b).serve(request))
            for answer in [x for x in self.network.answers if x.request is request]:
                self.network.answers.remove(answer)
                answer.arrive()

    async def _deliver(self, a: int, b: int) -> None:
        """A request arrives, now or late, and is being worked on."""
        if self.network.requests:
            request = self.network.requests.pop(a % len(self.network.requests))
            await self._started_or_finished(self._server(b).serve(request), b // 2)

    async def _repeat(self, a: int, b: int) -> None:
        """A request arrives twice."""
        if self.network.requests:
            request = self.network.requests[a % len(self.network.requests)]
            copy = Request(request.machine, request.body, self._deaf(), request.deadline)
            await self._started_or_finished(self._server(b).serve(copy), b // 2)

    async def _lose(self, a: int, b: int) -> None:
        if self.network.requests:
            self.network.requests.pop(a % len(self.network.requests))

    async def _answer(self, a: int, b: int) -> None:
        if self.network.answers:
            self.network.answers.pop(a % len(self.network.answers)).arrive()

    async def _lose_answer(self, a: int, b: int) -> None:
        if self.network.answers:
            self.network.answers.pop(a % len(self.network.answers))

    async def _forge(self, a: int, b: int) -> None:
        """A report with the token of another lease, which must move nothing."""
        live = sorted(self.rows.live)
        known = [node for node in self.rows.nodes if node.name == self._machine(a).name]
        if not live or not known:
            return
        attempt = self.rows.attempts[live[b % len(live)]]
        node = known[0]
        mine = [
            AttemptReport(id=x, lease_token=self.rows.leases[x].token, state="running")
            for x in live
            if self.rows.attempts[x].node == node.id
            and self.rows.attempts[x].started_at is not None
            and x != attempt.id
        ]
        said = AttemptReport(
            id=attempt.id,
            lease_token="forged",
            state="ended",
            exit={"schema": 1, "code": 0, "reason": "exited", "message": "forged"},
        )
        sent_ms = int(self.clock.monotonic() * 1000)
        report = NodeReport(boot_id=node.boot_id, sent_ms=sent_ms, attempts=(*mine, said))
        request = Request(node.name, (node.id, report), self._deaf(), 0.0)
        # What is under way already, such as the registration of a node after a boot, goes on
        # meanwhile and may end the attempt with good reason.
        is_alone = not any(server.operations for server in self.servers)
        await self._finish(self._server(b).serve(request))
        now = (await self._database.read(Rows)).attempts[attempt.id]
        is_moved = now.status.is_final and (is_alone or (now.exit or {}).get("message") == "forged")
        assert not is_moved, "a report with another lease's token ended an attempt"

    # --- what happens on nodes

    async def _end(self, a: int, b: int) -> None:
        alive = [runner for runner in self._machine(a).alive() if runner.is_there]
        if alive:
            self._machine(a).end(alive[b % len(alive)], (0, 0, 1, -9)[b % 4])

    async def _kill_worker(self, a: int, b: int) -> None:
        self._machine(a).kill_worker()

    async def _start_worker(self, a: int, b: int) -> None:
        self._machine(a).start_worker()

    async def _hold_worker(self, a: int, b: int) -> None:
        self._machine(a).going.clear()

    async def _let_worker(self, a: int, b: int) -> None:
        self._machine(a).going.set()

    async def _reboot(self, a: int, b: int) -> None:
        # No server works on a request for as long as a machine takes to boot.
        machine = self._machine(a)
        self.network.drop(machine.name)
        for operation in [one for server in self.servers for one in server.operations]:
            if operation.name == machine.name:
                await self._finish(operation)
        machine.reboot()
        self._machine(a).going.set()
        if b % 2:
            self._machine(a).start_worker()

    async def _lose_runner(self, a: int, b: int) -> None:
        # Without a worker nobody ends what it leads until one comes up: a double fault that only
        # a supervisor above both could survive.
        machine = self._machine(a)
        alive = [runner for runner in machine.alive() if runner.is_there]
        if alive and machine.worker is not None:
            machine.lose_runner(alive[b % len(alive)])

    # --- time

    async def _advance(self, a: int, b: int) -> None:
        await self._pass(_SECONDS[a])

    async def _jump(self, a: int, b: int) -> None:
        """A wall clock is set: the servers', or a node's."""
        seconds = _JUMPS[a % len(_JUMPS)]
        clock = (self.clock, self.machines[0].clock, self.machines[1].clock)[b % 3]
        clock.off_seconds += seconds

    async def _pass(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.network.time_out(self.clock.monotonic())
        for machine in self.machines:
            machine.look()
        await quiet.current().quiet()

    # --- rest

    async def _settle(self) -> None:
        """With a network that works and time, what was asked to stop does, and every job ends."""
        for server in self.servers:
            for operation in server.operations:
                await self._finish(operation)
            await self._finish(server.do("undrain", lambda room: room.jobs.undrain()))
        self.clock.off_seconds = max(self.clock.off_seconds, 0.0)
        for machine in self.machines:
            machine.going.set()
            machine.start_worker()
        await self._check()
        asked = {id_ for id_ in self.rows.live if self._job_of(id_).stop_requested is not None}
        await self._rounds(lambda: not asked & self.rows.live, ends=False)
        await self._rounds(lambda: not self._open_jobs(), ends=True)
        for id_ in self._cancelled:
            status = self.rows.jobs[id_].status
            assert status in {JobStatus.CANCELLED, JobStatus.SUCCEEDED}, f"cancelled, yet {status}"
        assert not [machine.name for machine in self.machines if any(machine.alive())]

    async def _rounds(self, is_over, *, ends: bool) -> None:
        for _ in range(_ROUNDS):
            if is_over():
                return
            for number in (0, 1):
                await self._talk(number, number)
                await self._check()
                if ends:
                    for runner in list(self.machines[number].alive()):
                        self.machines[number].end(runner, 0)
                await self._talk(number, number)
                await self._check()
            await self._schedule(0, 0)
            await self._reap(0, 0)
            await self._check()
            await self._pass(5)
            await self._check()
        raise AssertionError(f"stuck: {self._open_jobs()}")

    def _open_jobs(self) -> list[Job]:
        return [job for job in self.rows.jobs.values() if not job.status.is_final]

    # --- who is meant

    def _job_of(self, attempt: str) -> Job:
        return self.rows.jobs[self.rows.attempts[attempt].job]

    def _server(self, number: int) -> Server:
        return self.servers[number % 2]

    def _machine(self, number: int) -> Machine:
        return self.machines[number % 2]

    def _operation(self, number: int) -> Operation | None:
        known = [one for server in self.servers for one in server.operations]
        return known[number % len(known)] if known else None

    def _deaf(self) -> Any:
        """The reply of a request whose sender does not listen."""
        future = quiet.current().create_future()
        future.cancel()
        return future

    async def _finish(self, operation: Operation) -> None:
        """To its end, with a look after each of its writes."""
        while not operation.task.done():
            # It may wait for what another one does: an end that was reported before.
            others = [one for server in self.servers for one in server.operations]
            for one in others if operation.gate.is_free else [operation]:
                await one.step()
            await self._check()

    async def _started_or_finished(self, operation: Operation, number: int) -> None:
        await quiet.current().quiet()
        if number % 3 == 0:
            await self._finish(operation)


def _set_quotas(transaction: Transaction) -> None:
    """Together less than the nodes have; the first project may take back what it lent."""
    for project, nominal, stops in (
        (CALLER.project, 2000, Stops.ANY),
        (OTHER.project, 1000, Stops.NEVER),
    ):
        quotas.insert(
            transaction,
            Quota(
                id=f"quo_{project}",
                project=project,
                created_at=transaction.now,
                cohort="c",
                limits={"cpu_milli": Limit(nominal=nominal, borrowing=1000)},
                reclaim=stops,
                preempt=Stops.LOWER,
            ),
        )
