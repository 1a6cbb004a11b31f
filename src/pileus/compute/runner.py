"""
The small process that leads an attempt: starts it, waits, writes how it ended.

It needs neither worker nor server to live, and outlives both. Leads its own session, so that every
process of the attempt can be found; fences itself when its lease is not renewed. Standard library
only: `python -I -S` starts it in some 20 ms. A zygote calls `lead` in a fork of itself.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from pileus.compute import command, ending, processes, subreaper
from pileus.compute.command import Outputs, StartFailed
from pileus.compute.files import read_json, replace_json
from pileus.compute.layout import PACKAGE_ROOT, PRIVATE_FILE, Layout
from pileus.compute.limits.amounts import Limits
from pileus.compute.limits.confinement import Confinement
from pileus.compute.sandbox.wrapping import Sandbox, environment, unwrapped_code, wrapped
from pileus.compute.stamping import Stamper
from pileus.compute.watch import FENCED, Action, Seen, Watch
from pileus.core.failpoints import failpoint

Begin = Callable[[dict[str, Any], Outputs | None], int]
"""Starts the attempt's first process as a launch says, and returns its pid. Raises StartFailed."""

STARTED = b"started\n"
"""Written to whoever asked, once a runner leads the attempt."""

_WRITE_PAUSES_SECONDS = (0.1, 1.0, 10.0, 30.0)
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM)
SHUTDOWN = "preempt"
"""A runner told to end, as at a shutdown of the machine, lets its attempt go on elsewhere."""


def main(arguments: list[str]) -> int:
    """Lead the attempt in a directory, with the command that its `launch.json` gives."""
    layout = Layout(arguments[0])
    launch = read_json(layout.launch)
    if launch is None:
        sys.stderr.write(f"{str(layout.launch)!r} is missing or not readable\n")
        return 1
    lead(layout, launch, partial(spawn, layout), announce_to=1)
    return 0


def lead(layout: Layout, launch: dict[str, Any], begin: Begin, announce_to: int) -> None:
    """Run one attempt to its end. Returns at once when it has, or had, another runner.

    The caller leads a session. `announce_to` is a descriptor that is written to and closed.
    """
    lock = _claim(layout)
    if lock is None:
        return
    failpoint("runner.claimed")
    started_at = ending.now()
    pid = os.getpid()
    replace_json(
        layout.runner,
        {
            "pid": pid,
            "start_ticks": processes.start_ticks(pid),
            "boot_id": processes.boot_id(),
            "lease_token": launch.get("lease_token"),
            "started_at": started_at,
        },
    )
    with suppress(OSError):  # a worker that died meanwhile does not want to know
        os.write(announce_to, STARTED)
    os.close(announce_to)
    failpoint("runner.announced")
    run = _run_masked if launch.get("has_secrets") else _run
    stamper = Stamper(layout)
    stamper.look()  # what was written while it was prepared
    end = run(layout, launch, begin, started_at, stamper)
    stamper.finish()
    failpoint("runner.attempt_over")
    _write_end(layout, end)
    failpoint("runner.end_written")
    os.close(lock)


def _claim(layout: Layout) -> int | None:
    """Become the only runner that this attempt ever has.

    A worker that is killed just after it started us starts another: one of the two must go.
    The lock is the process's own, so a fork does not hold it.
    """
    descriptor = os.open(layout.runner_log, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    if layout.runner.exists() or layout.exit.exists():
        os.close(descriptor)
        return None
    return descriptor


def spawn(layout: Layout, launch: dict[str, Any], outputs: Outputs | None = None) -> int:
    """Start the launch's command; its pid. Raises StartFailed."""
    os.chdir(layout.work)
    words, env, sandbox = launch["command"], launch["env"], Sandbox.of(launch)
    if sandbox is not None and words:
        env = environment(env, layout)
        words = wrapped(sandbox, layout, words, env)
    return command.spawn(layout, words, env, outputs)


def _run_masked(
    layout: Layout, launch: dict[str, Any], begin: Begin, started_at: str, stamper: Stamper
) -> dict[str, Any]:
    """Run it with its secrets, which are in nothing that it leaves here."""
    from pileus.compute import secrets  # start-up time: of those alone that have some

    given = secrets.take(layout)
    if given is None:
        message = "Its secrets were gone before it started"
        return ending.not_started(message, ending.NODE_FAILED)
    output = secrets.MaskedOutput(layout, given.values)

    def begin_masked(known: dict[str, Any], _: Outputs | None) -> int:
        try:
            return begin({**known, "env": {**known["env"], **given.env}}, output.ends)
        finally:
            output.start()

    try:
        return _run(layout, launch, begin_masked, started_at, stamper)
    finally:
        output.finish()
        given.remove()
        secrets.mask_result(layout, given.values)


def _run(
    layout: Layout, launch: dict[str, Any], begin: Begin, started_at: str, stamper: Stamper
) -> dict[str, Any]:
    asked_to_end = _AskedToEnd()
    readable, writable = os.pipe()
    for end in (readable, writable):
        os.set_blocking(end, False)
    for signum in _SIGNALS:
        signal.signal(signum, asked_to_end.note)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    # Whoever started us may have stood still since it was ordered to.
    if _seen(layout, launch, asked_to_end).is_fenced(time.monotonic()):
        return ending.ended(None, FENCED, started_at, message="Its lease had run out")
    adopts = subreaper.adopt_orphans()
    confinement = Confinement(
        layout, Limits.of(launch), is_sandboxed=Sandbox.of(launch) is not None
    )
    kills_before = confinement.oom_kills
    try:
        with confinement.entered():
            child = begin(launch, None)
    except StartFailed as error:
        confinement.close()
        return ending.not_started(str(error))
    watch = Watch(time.monotonic(), launch.get("timeout_seconds"), launch["grace_seconds"])
    status, usage = _wait(
        child, layout, launch, watch, asked_to_end, readable, confinement, stamper
    )
    # What it left running has no lease. To look through all processes takes longer than most else.
    if not (adopts and subreaper.is_childless()):
        confinement.kill()
    code = os.waitstatus_to_exitcode(status)
    if confinement.is_sandboxed:
        code = unwrapped_code(code)
    reason = ending.why(
        code,
        watch.reason,
        read_json(layout.result),
        was_oom_killed=confinement.oom_kills > kills_before,
        was_refused_disk=code != 0 and confinement.was_refused_disk,
    )
    cpu_seconds = usage.ru_utime + usage.ru_stime
    document = ending.ended(
        code,
        reason,
        started_at,
        peak_rss_mib=ending.peak_mib(usage.ru_maxrss),
        cpu_seconds=cpu_seconds,
        peaks=confinement.peaks(),
        usage=confinement.usage(cpu_seconds),
    )
    confinement.close()
    return document


def _wait(
    child: int,
    layout: Layout,
    launch: dict[str, Any],
    watch: Watch,
    asked_to_end: _AskedToEnd,
    wakeup: int,
    confinement: Confinement,
    stamper: Stamper,
) -> tuple[int, Any]:
    while True:
        end = subreaper.reap(child)
        if end is not None:
            return end
        now = time.monotonic()
        seen = _seen(layout, launch, asked_to_end)._replace(breach=confinement.breach(now))
        action = watch.look(now, seen)
        if action is Action.ASK:
            confinement.ask(child)
        elif action is Action.KILL:
            processes.signal_group(child, signal.SIGKILL)
            confinement.kill()
        confinement.sample(now)
        now = time.monotonic()
        pause = min(watch.wait_seconds(now), confinement.wait_seconds(now))
        # A signal, such as a child's end, makes the pipe readable at once.
        stamper.wait(wakeup, pause)
        with suppress(BlockingIOError):
            os.read(wakeup, 4096)


def _seen(layout: Layout, launch: dict[str, Any], asked_to_end: _AskedToEnd) -> Seen:
    stop = read_json(layout.stop)
    lease = read_json(layout.lease)
    if lease is not None:
        # Kept: a look that cannot read the file must not go back to the first lease, of long ago.
        launch.update({name: lease.get(name) for name in ("confirmed_at", "fence_seconds")})
    reason = None if stop is None else str(stop.get("reason") or "cancel")
    return Seen(
        stop_reason=reason or (SHUTDOWN if asked_to_end.is_set else None),
        confirmed_at=_number(launch.get("confirmed_at")),
        fence_seconds=_number(launch.get("fence_seconds")),
        is_directory_gone=not layout.runner.exists(),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _write_end(layout: Layout, document: dict[str, Any]) -> None:
    for pause in (*_WRITE_PAUSES_SECONDS, None):
        try:
            replace_json(layout.exit, document)
        except FileNotFoundError:
            return  # the attempt was forgotten, directory and all
        except OSError as error:  # a full disk may have room again soon
            if pause is None:
                raise
            sys.stderr.write(f"exit.json cannot be written: {error.strerror}\n")
            time.sleep(pause)
        else:
            return


class _AskedToEnd:
    """Whether the runner itself received SIGTERM."""

    def __init__(self) -> None:
        self.is_set = False

    def note(self, signum: int, _frame: FrameType | None) -> None:
        # SIGCHLD only has to wake the loop; a handler must exist for that.
        self.is_set = self.is_set or signum == signal.SIGTERM


_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from pileus.compute.runner import main;"
    " sys.exit(main(sys.argv[2:]))"
)


def arguments_for(directory: Path) -> list[str]:
    """The words that start a runner. No site-packages: that alone would triple its start."""
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, str(PACKAGE_ROOT), str(directory)]
