"""
Keeps server, gateway and worker running in one home, until asked to stop.

Knows processes, not what they do. Children hold the read end of a pipe whose other end only this
process has, so they end when it does, however it dies.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from pileus.cli.child import Child, Program
from pileus.cli.home import Home

log = logging.getLogger(__name__)

STOP_SECONDS = 25.0
"""A child asked to stop gets this long: the gateway finishes its requests within 20 s."""

LOOK_SECONDS = 60.0
"""How often files that only grow are looked at."""

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Supervisor:
    """Runs `programs`, in order; stops them in the reverse order.

    `before_stop` is called once, while everything still runs.
    """

    def __init__(
        self,
        home: Home,
        programs: Sequence[Program],
        before_stop: Callable[[], None] | None = None,
        parent_fd: int | None = None,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._home = home
        self._before_stop = before_stop
        self._parent_fd = parent_fd
        self._stop_seconds = stop_seconds
        pipe, self._own_end = os.pipe()
        self._children = [
            Child(program, home.logs / f"{program.name}.log", pipe) for program in programs
        ]
        self._asked_to_stop = False

    def run(self) -> None:
        """Start everything, restart what dies; returns after a signal to stop, with all ended."""
        with self._signals() as wakeup:
            while not self._asked_to_stop:
                self._start_due()
                self._wait(wakeup)
                self._look_at_parent()
                self._reap()
                for child in self._children:
                    child.bound_output()
            self._stop()

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [c for c in self._children if c.start_at is not None and c.start_at <= now]
        for child in due:
            child.start(now)
        if due:
            self._publish()

    def _wait(self, wakeup: int) -> None:
        """Sleep until a signal arrives, a child is due for something, or the parent has gone."""
        times = [at for child in self._children for at in (child.start_at, child.settles_at)]
        waiting = [at for at in times if at is not None]
        due = min(waiting) - time.monotonic() if waiting else LOOK_SECONDS
        timeout = min(max(0.0, due), LOOK_SECONDS)
        watched = [wakeup] if self._parent_fd is None else [wakeup, self._parent_fd]
        readable, _, _ = select.select(watched, [], [], timeout)
        if wakeup in readable:
            os.read(wakeup, 4096)

    def _look_at_parent(self) -> None:
        if self._parent_fd is None:
            return
        readable, _, _ = select.select([self._parent_fd], [], [], 0)
        if readable and not os.read(self._parent_fd, 1):
            self._asked_to_stop = True

    def _reap(self) -> None:
        now = time.monotonic()
        changed = [child for child in self._children if child.reap(now) or child.settle(now)]
        if changed:
            self._publish()

    def _stop(self) -> None:
        log.info("Asked to stop")
        if self._before_stop is not None:
            self._before_stop()
        # The worker first, so that nothing new starts; the server last: it takes the last meters.
        for child in reversed(self._children):
            child.ask_to_stop()
            if not child.stopped_within(self._stop_seconds):
                log.warning("%s did not stop in time and is killed", child.program.name)
                child.ask_to_stop(signal.SIGKILL)
                child.stopped_within(STOP_SECONDS)
        log.info("All processes have ended")
        os.close(self._own_end)
        self._home.forget("ports.json", "pids.json", "processes.json")

    def _publish(self) -> None:
        pids = {child.program.name: child.pid for child in self._children if child.pid}
        self._home.write("pids.json", {"supervisor": os.getpid(), **pids})
        self._home.write(
            "processes.json", {child.program.name: child.report() for child in self._children}
        )

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """A descriptor that becomes readable with every signal that matters."""
        readable, writable = os.pipe()
        for end in (readable, writable):
            os.set_blocking(end, False)
        before = {signum: signal.signal(signum, self._ask_to_stop) for signum in _STOP_SIGNALS} | {
            signal.SIGCHLD: signal.signal(signal.SIGCHLD, _noted)
        }
        previous = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        try:
            yield readable
        finally:
            signal.set_wakeup_fd(previous)
            for signum, handler in before.items():
                signal.signal(signum, handler)
            with suppress(OSError):
                os.close(readable)
                os.close(writable)

    def _ask_to_stop(self, _signum: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True


def _noted(_signum: int, _frame: FrameType | None) -> None:
    """SIGCHLD only has to wake the loop; a handler must exist for that."""
