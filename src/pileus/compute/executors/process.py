"""Attempts as processes of this machine, led by runners that nobody has to wait for."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pileus.compute import ending, processes
from pileus.compute.environments import PLAIN, Environment
from pileus.compute.errors import EnvironmentUnknown, RunnerNotStarted, SandboxMissing
from pileus.compute.executor import Launch, Phase, State
from pileus.compute.files import read_json, replace_json
from pileus.compute.layout import PRIVATE_FILE, Layout
from pileus.compute.limits.amounts import Limits
from pileus.compute.limits.cgroup import Cgroup
from pileus.compute.runner import STARTED, arguments_for
from pileus.compute.sandbox.wrapping import Sandbox
from pileus.compute.zygotes import Zygotes, ZygoteUnfit, read_answer
from pileus.core import failpoints
from pileus.core.failpoints import failpoint

log = logging.getLogger(__name__)

_START_SECONDS = 30.0
_LOOK_SECONDS = 0.2
"""Between two looks at a process where the system offers no event for its end."""

_LOG_BYTES = 500

_FORKED = (shutil.which("setsid") or "setsid", "--fork")
"""Before a command: who starts it has gone by the time it runs, so that it is nobody's child."""


class ProcessExecutor:
    """An `Executor` of plain processes; `zygotes` is absent where there is no fork worth having."""

    def __init__(
        self,
        environments: Mapping[str, Environment],
        zygotes: Zygotes | None = None,
        cgroup: Path | None = None,
        sandbox: Sandbox | None = None,
        *,
        runners_outlive_us: bool = False,
    ) -> None:
        """`cgroup` is the control group below which each attempt has one, if the node has that.

        With `runners_outlive_us` runners are not our children, whom some that end us end as well.
        """
        self._runners_outlive_us = runners_outlive_us
        self._sandbox = sandbox
        self._environments = environments
        self._zygotes = zygotes
        self._cgroup = cgroup

    async def start(self, directory: Path, launch: Launch) -> None:
        if launch.environment not in self._environments:
            raise EnvironmentUnknown(launch.environment, sorted(self._environments))
        if launch.entry is not None:  # as a command, where no zygote forks it
            words = (sys.executable, "-m", "pileus.compute.entry", launch.entry)
            launch = replace(launch, command=words)
        if launch.is_sandboxed:
            if self._sandbox is None:
                raise SandboxMissing
            # A fork of a zygote has seen too much: it runs as a command, whatever it is.
            launch = replace(launch, entry=None, sandbox=self._sandbox)
        if self._cgroup is not None:
            launch = replace(launch, limits=launch.limits._replace(cgroup=str(self._cgroup)))
        layout = Layout(directory)
        replace_json(layout.launch, launch.document())
        failpoint("attempt.launch_written")
        if not await self._forked(directory, launch):
            await self._spawn(layout)

    def state(self, directory: Path, lease_token: str) -> State:
        layout = Layout(directory)
        runner = read_json(layout.runner)
        # In this order: a runner writes its end before it goes.
        is_alive = runner is not None and _is_alive(runner)
        document = read_json(layout.exit)
        started_at = str(runner["started_at"]) if runner and "started_at" in runner else None
        if document is not None:
            return State(Phase.ENDED, started_at, document)
        if runner is None:
            return State(Phase.ABSENT)
        if is_alive and runner.get("lease_token") == lease_token:
            return State(Phase.RUNNING, started_at)
        return self._lost(layout, runner, is_alive=is_alive)

    async def wait(self, directory: Path, lease_token: str) -> State:
        while True:
            state = self.state(directory, lease_token)
            if state.phase is not Phase.RUNNING:
                return state
            await _departure(read_json(Layout(directory).runner) or {})

    def renew(self, directory: Path, fence_seconds: float, confirmed_at: float) -> None:
        document = {"confirmed_at": confirmed_at, "fence_seconds": fence_seconds}
        replace_json(Layout(directory).lease, document)

    def stop(self, directory: Path, reason: str) -> None:
        path = Layout(directory).stop
        if not path.exists():
            replace_json(path, {"reason": reason})

    def kill(self, directory: Path) -> None:
        layout = Layout(directory)
        _kill(layout, read_json(layout.runner) or {})

    def refuse(self, directory: Path, message: str, *, is_node_at_fault: bool = False) -> State:
        reason = ending.NODE_FAILED if is_node_at_fault else ending.START_FAILED
        document = ending.not_started(message, reason)
        replace_json(Layout(directory).exit, document)
        return State(Phase.ENDED, None, document)

    async def close(self) -> None:
        if self._zygotes is not None:
            await asyncio.to_thread(self._zygotes.close)

    async def _forked(self, directory: Path, launch: Launch) -> bool:
        """Whether a zygote started it. A command waits for none: the next one has it."""
        if self._zygotes is None or (launch.entry is not None and launch.environment == PLAIN):
            return False
        try:
            return await asyncio.to_thread(_fork, self._zygotes, directory, launch)
        except ZygoteUnfit as error:
            log.warning("%s starts without its zygote: %s", directory.name, error)
            return False

    async def _spawn(self, layout: Layout) -> None:
        readable, writable = os.pipe()
        try:
            pid = _spawn_runner(layout, writable, runners_outlive_us=self._runners_outlive_us)
            os.close(writable)
            answer = await asyncio.to_thread(read_answer, readable, _START_SECONDS)
        finally:
            os.close(readable)
        if self._runners_outlive_us:
            await asyncio.to_thread(os.waitpid, pid, 0)  # what forked it, and went
        if answer == STARTED or await asyncio.to_thread(_has_another_runner, layout):
            return
        _reap(pid)
        raise RunnerNotStarted(
            f"The runner of {layout.directory.name!r} did not start{_last_words(layout)}",
            hint="Look into the worker's log on the node.",
        )

    def _lost(self, layout: Layout, runner: dict[str, Any], *, is_alive: bool) -> State:
        if runner.get("boot_id") != processes.boot_id():
            message = "The node was restarted while the attempt ran"
        elif is_alive:
            message = "Its runner held another lease, and was ended"
        else:
            message = (
                f"The runner (process {runner.get('pid')}) vanished without a word of how the"
                f" attempt ended{_last_words(layout)}; what it left running was ended"
            )
        _kill(layout, runner)
        started_at = str(runner.get("started_at") or ending.now())
        document = ending.lost(message, started_at, read_json(layout.usage))
        # Written, so that the next look finds the same end.
        replace_json(layout.exit, document)
        return State(Phase.LOST, started_at, document)


def _fork(zygotes: Zygotes, directory: Path, launch: Launch) -> bool:
    """Whether a zygote forked it. Raises ZygoteUnfit, EnvironmentBroken."""
    if launch.entry is not None:
        zygotes.fork(launch.environment, directory, launch.entry)
        return True
    if not zygotes.warm_up(PLAIN):
        return False
    zygotes.fork(PLAIN, directory, None)
    return True


def _spawn_runner(layout: Layout, announce: int, *, runners_outlive_us: bool) -> int:
    words = [*(_FORKED if runners_outlive_us else ()), *arguments_for(layout.directory)]
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        words[0],
        words,
        {"LANG": "C.UTF-8", **failpoints.environment()},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, announce, 1),
            (os.POSIX_SPAWN_OPEN, 2, str(layout.runner_log), append, PRIVATE_FILE),
        ],
        setsid=True,
        setsigmask=[],
    )


def _has_another_runner(layout: Layout) -> bool:
    """Whether one that an earlier worker started came first; it may be writing that just now."""
    for _ in range(20):
        if layout.runner.exists() or layout.exit.exists():
            return True
        time.sleep(0.01)
    return False


def _is_alive(runner: dict[str, Any]) -> bool:
    pid = runner.get("pid")
    if not isinstance(pid, int) or runner.get("boot_id") != processes.boot_id():
        return False
    ticks = processes.start_ticks(pid)
    return ticks is not None and ticks == runner.get("start_ticks")


def _kill(layout: Layout, runner: dict[str, Any]) -> None:
    """End runner and attempt, unless the runner's pid now means somebody else."""
    pid = runner.get("pid")
    session = None
    if isinstance(pid, int) and pid > 1 and runner.get("boot_id") == processes.boot_id():
        ticks = processes.start_ticks(pid)
        session = pid if ticks is None or ticks == runner.get("start_ticks") else None
    limits = Limits.of(read_json(layout.launch) or {})
    if limits.cgroup is not None:
        group = Cgroup(Path(limits.cgroup) / layout.directory.name)
        group.kill()
        group.remove()
    if session is not None:
        processes.kill_all(session, layout.mark, spare=session)
    processes.kill_all(session, layout.mark)


async def _departure(runner: dict[str, Any]) -> None:
    """Return when a runner may have gone."""
    pid = runner.get("pid")
    if not isinstance(pid, int):
        return
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # no such call on this system, or no descriptor left
        await asyncio.sleep(_LOOK_SECONDS)
        return
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    try:
        # Opened first, then looked at: the descriptor is of the process that we mean, or of none.
        if _is_alive(runner):
            loop.add_reader(descriptor, gone.set)
            await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    _reap(pid)


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):  # not ours if it was adopted, or a zygote's fork
        os.waitpid(pid, os.WNOHANG)


def _last_words(layout: Layout) -> str:
    try:
        text = layout.runner_log.read_bytes()[-_LOG_BYTES:].decode("utf-8", "replace").strip()
    except OSError:
        return ""
    return f": {text.splitlines()[-1]}" if text else ""
