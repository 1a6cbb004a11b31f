"""A node: its disk and its processes outlive its worker, and only its disk outlives a boot.

The worker is the real one (`worker/syncing.py`, `attempts.py`, `held.py`, with their files) over a
link and an executor of the world. Runners decide by `compute/watch.py`, as real ones do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pileus.compute import ending
from pileus.compute.executor import Launch, Phase, State
from pileus.compute.files import read_json, replace_json
from pileus.compute.layout import Layout
from pileus.compute.watch import FENCED, Action, Seen, Watch
from pileus.core.schemas.jobs import Registration
from pileus.core.schemas.resources import Capacity
from pileus.worker.attempts import Attempts
from pileus.worker.cache import BlobCache
from pileus.worker.held import Means
from pileus.worker.syncing import Syncing
from tests.unit.jobs.simulation import quiet
from tests.unit.jobs.simulation.clocks import NodeClock, WorldClock
from tests.unit.jobs.simulation.fence_log import FenceLog, Span
from tests.unit.jobs.simulation.network import Link, Network

CPU_MILLI = 2000
MEMORY_MIB = 2048


@dataclass
class Runner:
    """The one runner that an attempt has on this machine, with the process that it leads."""

    directory: Path
    token: str
    boot: int
    watch: Watch
    span: Span
    started_at: str
    is_stubborn: bool
    """Its process takes no SIGTERM for an answer."""

    is_there: bool = True
    """The runner itself; when it is killed, its process goes on until somebody looks."""

    exit: dict[str, Any] | None = None

    @property
    def is_alive(self) -> bool:
        return self.span.ceased is None


class Worker:
    """One life of the worker. After its death nothing of it does anything."""

    def __init__(self, machine: Machine, network: Network) -> None:
        self.link = Link(network, machine.name, machine.clock)
        self.executor = Executor(machine)
        clock = _LifeClock(machine.clock, self)
        cache = BlobCache(machine.directory / "cache", self.link, 1)
        means = Means(self.executor, self.link, cache, clock, {}, 60.0, 2.0)
        self.attempts = Attempts(machine.directory / "attempts", means)
        self.attempts.recover()

        def present() -> Registration:
            return Registration(
                name=machine.name,
                boot_id=f"{machine.name}-{machine.boot}",
                capacity=Capacity(cpu_milli=CPU_MILLI, memory_mib=MEMORY_MIB),
                pid=1,
                version="0",
                holding=self.attempts.holding,
            )

        syncing = Syncing(self.link, self.attempts, present, clock, 10.0, 2.0)
        self._task = asyncio.create_task(syncing.run())

    @property
    def is_dead(self) -> bool:
        return self.link.is_dead

    def die(self) -> None:
        self.link.is_dead = self.executor.is_dead = True


class Machine:
    """A node with whatever runs on it."""

    def __init__(
        self, name: str, directory: Path, clock: WorldClock, network: Network, log: FenceLog
    ) -> None:
        self.name = name
        self.directory = directory
        self.clock = NodeClock(clock)
        self.boot = 1
        self.log = log
        self.runners: dict[str, Runner] = {}
        self.leases: dict[str, tuple[float | None, float | None]] = {}
        """Attempt → what `lease.json` of its directory says, or until then its launch: when it was confirmed, and
        the fence's seconds."""

        self.going = asyncio.Event()
        """While it is not set, the worker stands still before and after it starts a runner."""

        self.going.set()
        self.departures = asyncio.Event()
        self._network = network
        self.worker: Worker | None = None

    def start_worker(self) -> None:
        if self.worker is None:
            self.worker = Worker(self, self._network)

    def kill_worker(self) -> None:
        if self.worker is not None:
            self.worker.die()
            self.worker = None

    def reboot(self) -> None:
        self.kill_worker()
        for runner in self.runners.values():
            self._cease(runner)
            runner.is_there = False
        self.boot += 1

    def alive(self) -> Iterator[Runner]:
        return (runner for runner in self.runners.values() if runner.is_alive)

    def look(self) -> None:
        """Every runner looks at what it should do now."""
        for runner in list(self.alive()):
            if not runner.is_there:
                continue
            seen = self._seen(Layout(runner.directory))
            action = runner.watch.look(self.clock.monotonic(), seen)
            if action is Action.KILL:
                self.end(runner, -9)
            elif action is Action.ASK and not runner.is_stubborn:
                self.end(runner, -15)

    def end(self, runner: Runner, code: int) -> None:
        """The attempt's process ends, and its runner writes how."""
        self._cease(runner)
        runner.is_there = False
        reason = ending.why(code, runner.watch.reason, None, was_oom_killed=False)
        runner.exit = ending.ended(code, reason, runner.started_at)
        runner.exit["ended_at"] = self.clock.now().isoformat()
        self._depart()

    def lose_runner(self, runner: Runner) -> None:
        """Somebody kills the runner, and not what it leads."""
        runner.is_there = False
        self._depart()

    def lead(self, launch: Launch, directory: Path) -> None:
        """A runner comes up, unless the attempt has had one."""
        layout = Layout(directory)
        if layout.runner.exists() or layout.exit.exists():
            return
        layout.runner.touch()
        self.leases.setdefault(directory.name, (launch.confirmed_at, launch.fence_seconds))
        spec = read_json(layout.spec) or {}
        now = self.clock.monotonic()
        started_at = self.clock.now().isoformat()
        if self._seen(layout).is_fenced(now):
            replace_json(layout.exit, ending.ended(None, FENCED, started_at))
            return
        span = self.log.start(
            str(spec["job"]), spec["number"], directory.name, launch.lease_token, self.name, now
        )
        watch = Watch(now, launch.timeout_seconds, launch.grace_seconds)
        self.runners[directory.name] = Runner(
            directory,
            launch.lease_token,
            self.boot,
            watch,
            span,
            started_at,
            is_stubborn=len(self.runners) % 3 == 0,
        )

    def _seen(self, layout: Layout) -> Seen:
        confirmed_at, fence_seconds = self.leases.get(layout.directory.name, (None, None))
        return Seen(
            (read_json(layout.stop) or {}).get("reason"),
            confirmed_at,
            fence_seconds,
            is_directory_gone=not layout.runner.exists(),
        )

    def kill(self, runner: Runner) -> None:
        """End runner and process; no word of how is written."""
        self._cease(runner)
        runner.is_there = False
        self._depart()

    def _cease(self, runner: Runner) -> None:
        self.log.end(runner.span, self.clock.monotonic())

    def _depart(self) -> None:
        departed, self.departures = self.departures, asyncio.Event()
        departed.set()


class Executor:
    """An `Executor` over the machine's processes, with the rules of `executors/process.py`."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.is_dead = False

    async def start(self, directory: Path, launch: Launch) -> None:
        replace_json(Layout(directory).launch, launch.document())
        await self._pause()
        self._machine.lead(launch, directory)
        self._machine.look()
        await self._pause()

    def state(self, directory: Path, lease_token: str) -> State:
        runner = self._machine.runners.get(directory.name)
        if not Layout(directory).runner.exists() or runner is None:
            document = read_json(Layout(directory).exit)
            return State(Phase.ENDED, None, document) if document else State(Phase.ABSENT)
        if runner.exit is not None:
            return State(Phase.ENDED, runner.started_at, runner.exit)
        if runner.is_there and runner.boot == self._machine.boot and runner.token == lease_token:
            return State(Phase.RUNNING, runner.started_at)
        if not self.is_dead:
            self._machine.kill(runner)
            runner.exit = ending.lost("Its runner vanished", runner.started_at)
            runner.exit["ended_at"] = self._machine.clock.now().isoformat()
        return State(Phase.LOST, runner.started_at, runner.exit)

    async def wait(self, directory: Path, lease_token: str) -> State:
        while True:
            departed = self._machine.departures
            state = self.state(directory, lease_token)
            if state.phase is not Phase.RUNNING:
                return state
            await departed.wait()
            await self._pause()

    def renew(self, directory: Path, fence_seconds: float, confirmed_at: float) -> None:
        if not self.is_dead:
            self._machine.leases[directory.name] = (confirmed_at, fence_seconds)
            self._machine.look()

    def stop(self, directory: Path, reason: str) -> None:
        if self.is_dead:
            return
        path = Layout(directory).stop
        if not path.exists():
            replace_json(path, {"reason": reason})
        self._machine.look()

    def kill(self, directory: Path) -> None:
        runner = self._machine.runners.get(directory.name)
        if runner is not None and not self.is_dead:
            self._machine.kill(runner)

    def refuse(self, directory: Path, message: str, *, is_node_at_fault: bool = False) -> State:
        reason = ending.NODE_FAILED if is_node_at_fault else ending.START_FAILED
        document = ending.not_started(message, reason)
        if not self.is_dead:
            replace_json(Layout(directory).exit, document)
        return State(Phase.ENDED, None, document)

    async def close(self) -> None: ...

    async def _pause(self) -> None:
        """A process may die between any two effects; what is dead goes no further."""
        await self._machine.going.wait()
        if self.is_dead:
            await quiet.current().never()


class _LifeClock:
    """The node's clock, by which a dead worker does not wake."""

    def __init__(self, clock: NodeClock, worker: Worker) -> None:
        self._clock = clock
        self._worker = worker
        self.now = clock.now
        self.monotonic = clock.monotonic

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if self._worker.is_dead:
            await quiet.current().never()
