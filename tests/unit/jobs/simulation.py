"""A small world for the engine: nodes with processes, a network that loses and repeats messages,
a server that restarts, a clock that jumps. Deterministic: a list of numbers is a history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pileus.core.clock import FakeClock
from pileus.core.errors import PileusError
from pileus.core.schemas.jobs import AttemptReport, JobStatus, NodeOrders, StopReason
from pileus.jobs.engine import Engine
from pileus.jobs.nodes import NodeService
from pileus.jobs.reaping import Reaper
from tests.unit.jobs.building import CALLER, SETTINGS, Room, Worker, ended, running

FENCE = SETTINGS.fence_seconds


@dataclass
class Process:
    """A runner with what it leads."""

    job: str
    report: AttemptReport
    renewed_at: float

    @property
    def is_alive(self) -> bool:
        return self.report.state == "running"

    def end(self, code: int, reason: str = "exited") -> None:
        if self.is_alive:
            self.report = ended(self.report, code=code, reason=reason)


@dataclass
class Machine:
    """A node with its worker. Its processes outlive the worker, not a boot."""

    worker: Worker
    clock: FakeClock
    processes: dict[str, Process] = field(default_factory=dict)
    boots: int = 1
    is_cut_off: bool = False
    """Nothing that it says arrives."""

    async def start_worker(self) -> None:
        await self.worker.register(*self.processes)

    async def reboot(self) -> None:
        self.boots += 1
        self.worker.boot_id = f"{self.worker.name}-{self.boots}"
        self.processes.clear()
        await self.start_worker()

    async def sync(self, *, is_answer_lost: bool = False, is_repeated: bool = False) -> None:
        if self.is_cut_off:
            return
        reports = [process.report for process in self.processes.values()]
        try:
            orders = await self.worker.sync(*reports)
            if is_repeated:
                orders = await self.worker.sync(*reports)
        except PileusError:
            await self.start_worker()
            return
        if not is_answer_lost:
            self._obey(orders, {report.id for report in reports if report.state == "running"})

    def fence(self) -> None:
        for process in self.processes.values():
            if self.clock.monotonic() - process.renewed_at >= FENCE:
                process.end(-9, "fenced")

    def _obey(self, orders: NodeOrders, reported: set[str]) -> None:
        for gone in orders.forget:
            self.processes.pop(gone, None)
        for order in orders.attempts:
            process = self.processes.get(order.id)
            if process is None:
                process = Process(order.job, running(order), self.clock.monotonic())
                self.processes[order.id] = process
            if order.id in reported:
                process.renewed_at = self.clock.monotonic()
            if order.desired == "stop":
                process.end(-15, str(order.stop_reason))


class World:
    """Everything, one step at a time, with the invariants checked after each."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.machines = [
            Machine(Worker(room, name, cpu_milli=2000, boot_id=f"{name}-1"), room.clock)
            for name in ("n1", "n2")
        ]
        self.final: dict[str, JobStatus] = {}

    async def start(self) -> None:
        for machine in self.machines:
            await machine.start_worker()

    async def step(self, number: int) -> None:
        number, action = divmod(number, 14)
        machine = self.machines[number % 2]
        number //= 2
        if action < 4:
            await self._act_as_server(action, number)
        elif action < 11:
            await self._act_as_machine(action, machine, number)
        elif action == 11:
            self._advance((0.7, 5, 12, 31, 200, 640)[number % 6])
            await self.room.reaper.reap()
        elif action == 12:
            await self.room.reaper.reap()
            await self.room.engine.meter()
        else:
            await self._drain(number)
        await self.check()

    async def _act_as_server(self, action: int, number: int) -> None:
        if action == 0:
            await self.room.submit(resources={"cpu": 1 + number % 2, "memory_mib": 700})
        elif action == 1:
            await self._cancel(number)
        else:
            await self.room.engine.schedule()

    async def _act_as_machine(self, action: int, machine: Machine, number: int) -> None:
        if action == 6:
            machine.is_cut_off = not machine.is_cut_off
        elif action == 7:
            await machine.sync(is_answer_lost=number % 2 == 0, is_repeated=number % 2 == 1)
        elif action == 8:
            self._end_one(machine, number)
        elif action == 9 and not machine.is_cut_off:
            await machine.start_worker()
        elif action == 10:
            await self._restart_server_or_reboot(machine, number)
        else:
            await machine.sync()

    async def settle(self) -> None:
        """With a network that works and time, every job comes to its end."""
        await self.room.jobs.undrain()
        for machine in self.machines:
            machine.is_cut_off = False
        for _ in range(200):
            for machine in self.machines:
                await machine.sync()
                for process in machine.processes.values():
                    process.end(0)
                await machine.sync()
            await self.room.engine.schedule()
            await self.room.reaper.reap()
            self._advance(5)
            await self.check()
            jobs, _, _, _ = await self.room.all()
            if all(job.status.is_final for job in jobs):
                return
        raise AssertionError("jobs are stuck")

    async def check(self) -> None:
        jobs, attempts, leases, nodes = await self.room.all()
        live = Counter(a.job for a in attempts if not a.status.is_final)
        assert all(count == 1 for count in live.values()), "two live attempts of one job"
        assert {j.id for j in jobs if j.status is JobStatus.RUNNING} == set(live)
        for job in jobs:
            was = self.final.get(job.id)
            assert was in {None, job.status}, f"{job.id} left {was}"
            if job.status.is_final:
                self.final[job.id] = job.status
        running_jobs = Counter(p.job for p in self._alive())
        assert all(count == 1 for count in running_jobs.values()), "two processes of one job"
        for node in nodes:
            held = [le for le in leases if le.node == node.id and le.released_at is None]
            assert sum(le.resources.cpu_milli for le in held) <= node.capacity.cpu_milli
        unreleased = {le.attempt for le in leases if le.released_at is None}
        assert unreleased == {a.id for a in attempts if not a.status.is_final}
        entries = await self.room.entries()
        for lease in leases:
            used = sum(e.quantity for e in entries if e.source == lease.id and e.resource == "cpu")
            spanned = (lease.metered_until - lease.created_at).total_seconds() * 1000
            assert used == round(spanned) * lease.resources.cpu_milli // 1000

    def _alive(self) -> Iterator[Process]:
        for machine in self.machines:
            yield from (p for p in machine.processes.values() if p.is_alive)

    def _advance(self, seconds: float) -> None:
        self.room.clock.advance(seconds)
        for machine in self.machines:
            machine.fence()

    def _end_one(self, machine: Machine, number: int) -> None:
        alive = [p for p in machine.processes.values() if p.is_alive]
        if alive:
            alive[number % len(alive)].end(number % 3)

    async def _cancel(self, number: int) -> None:
        jobs, _, _, _ = await self.room.all()
        if jobs:
            job = jobs[number % len(jobs)]
            if not job.status.is_final:
                await self.room.jobs.cancel(CALLER, job.id)

    async def _restart_server_or_reboot(self, machine: Machine, number: int) -> None:
        if number % 3 == 0 and not machine.is_cut_off:
            await machine.reboot()
            return
        room = self.room
        room.reaper = Reaper(room.database, room.clock, room.ends, SETTINGS)
        room.engine = Engine(
            room.database, room.clock, room.ids.new, room.engine._ledger, room.reaper, SETTINGS
        )
        room.nodes = NodeService(
            room.database, room.clock, room.ids.new, room.ends, b"k" * 32, SETTINGS
        )

    async def _drain(self, number: int) -> None:
        if number % 2:
            await self.room.jobs.drain(CALLER)
            jobs, _, _, _ = await self.room.all()
            assert all(j.stop_requested in set(StopReason) for j in jobs if j.status == "running")
        else:
            await self.room.jobs.undrain()
