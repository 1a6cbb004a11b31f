"""One process under the supervisor: started, watched, restarted with growing pauses."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pileus.cli.forked import Forked, Main
from pileus.compute.processes import boot_id, start_ticks

log = logging.getLogger(__name__)

STABLE_SECONDS = 3.0
"""A child that lived this long has come up; its next death starts counting anew."""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
QUICK_RESTARTS = 2
"""Restarts within a second before pauses double: one crash must not cost more than that."""

CRASH_LOOP = 3
"""Deaths in a row that are reported as a crash loop."""

OFTEN = 5
OFTEN_SECONDS = 3600.0
"""So many deaths within this time are reported, however long it lived in between: each of them was
forgiven when it came up again, and together they say that it is ill."""

MAX_LOG_BYTES = 16 * 1024 * 1024
"""Of what a process writes to stderr beside its log, such as the last words of an interpreter."""

_TAIL_BYTES = 4096
_REMEMBERED = 100
"""Deaths of which the time is known; a fast crash loop has more in an hour."""


@dataclass(frozen=True)
class Program:
    """What a child runs."""

    name: str
    arguments: tuple[str, ...]
    """The words of its command, or those that `main` is called with."""

    main: Main | None = None
    """Is called in a fork of this process, rather than a command started."""

    warm_up: Callable[[], None] | None = None
    """Is called in this process before such a fork, for what it shares with others."""


class Child:
    """A program, its process while it lives, and when to start it again.

    `output` is the file of its stdout and stderr.
    """

    def __init__(self, program: Program, output: Path, pipe: int) -> None:
        self.program = program
        self.deaths = 0
        """Deaths in a row before it was stable."""

        self.restarts = 0
        self.reason: str | None = None
        self._died_at: deque[float] = deque(maxlen=_REMEMBERED)
        self._output = output
        self._pipe = pipe
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._started_at = 0.0
        self._start_at = 0.0

    @property
    def pid(self) -> int | None:
        """Process id while it lives."""
        return None if self._process is None else self._process.pid

    @property
    def start_at(self) -> float | None:
        """When to start it, on the clock of `now`; None while it lives."""
        return self._start_at if self._process is None else None

    def start(self, now: float) -> None:
        """Start the process. The read end of the pipe lets it notice the supervisor's death."""
        _rotate(self._output)
        # For its owner alone: what a library writes there is not ours to clean.
        descriptor = os.open(self._output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as output:
            words = [*self.program.arguments, "--supervisor-fd", str(self._pipe)]
            if self.program.main is not None:
                if self.program.warm_up is not None:
                    self.program.warm_up()
                self._process = Forked(self.program.main, words, output.fileno(), self._pipe)
            else:
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(self._pipe,),
                    start_new_session=True,
                )
        self._started_at = now
        log.info("%s runs as process %d", self.program.name, self._process.pid)

    def reap(self, now: float) -> bool:
        """Whether the process has died since the last look; then it is due to start again."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return False
        self._process = None
        self.deaths = 1 if now - self._started_at >= STABLE_SECONDS else self.deaths + 1
        self.restarts += 1
        self._died_at.append(now)
        self._forget(now)
        # What was killed said nothing about it.
        self.reason = _ending(code) + (_last_words(self._output) if code >= 0 else "")
        pause = pause_seconds(self.deaths)
        self._start_at = now + pause
        log.error("%s %s; it starts again in %g s", self.program.name, self.reason, pause)
        if self._dies_often and self.deaths < CRASH_LOOP:
            log.error("%s has died %s", self.program.name, self._how_often)
        return True

    def bound_output(self) -> None:
        """Keep the file of its stderr within its size while it lives.

        It holds the file open and appends, so what is kept is copied and the file cut.
        """
        with suppress(OSError):
            if self._output.stat().st_size > MAX_LOG_BYTES:
                shutil.copyfile(self._output, _aside(self._output))
                os.truncate(self._output, 0)

    @property
    def settles_at(self) -> float | None:
        """When deaths are next forgiven or forgotten; None when there are none."""
        if self._process is None:
            return None
        times = [self._started_at + STABLE_SECONDS] if self.deaths else []
        if self._dies_often:
            times.append(self._died_at[-OFTEN] + OFTEN_SECONDS)
        return min(times, default=None)

    def settle(self, now: float) -> bool:
        """Whether it has just lived long enough for deaths to be forgiven or forgotten."""
        if self.settles_at is None or self.settles_at > now:
            return False
        if now >= self._started_at + STABLE_SECONDS:
            self.deaths = 0
        self._forget(now)
        return True

    def ask_to_stop(self, signum: int = signal.SIGTERM) -> None:
        """Send a signal, if it lives."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signum)

    def stopped_within(self, seconds: float) -> bool:
        """Whether it ends in time."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def report(self) -> dict[str, Any]:
        """What `pileus status` says of it."""
        loops = self.deaths >= CRASH_LOOP
        return {
            "pid": self.pid,
            # Its number may go to somebody else: with these it is known from them.
            "boot_id": boot_id(),
            "start_ticks": None if self.pid is None else start_ticks(self.pid),
            "restarts": self.restarts,
            "state": "crash_loop" if loops else "running" if self.pid else "restarting",
            "recent_deaths": len(self._died_at) if self._dies_often else 0,
            "reason": self._told(),
            "log": str(self._output.with_suffix(".jsonl")),
            "output": str(self._output),
        }

    def _told(self) -> str | None:
        if self._dies_often and self.deaths < CRASH_LOOP:
            return f"died {self._how_often}, the last time: {self.reason}"
        return self.reason if self.deaths else None

    @property
    def _dies_often(self) -> bool:
        return len(self._died_at) >= OFTEN

    @property
    def _how_often(self) -> str:
        return f"{len(self._died_at)} times within {OFTEN_SECONDS / 60:.0f} minutes"

    def _forget(self, now: float) -> None:
        while self._died_at and self._died_at[0] + OFTEN_SECONDS <= now:
            self._died_at.popleft()


def pause_seconds(deaths: int) -> float:
    """Pause before the restart that follows the nth death in a row."""
    if deaths <= QUICK_RESTARTS:
        return FIRST_PAUSE_SECONDS
    doubled: float = FIRST_PAUSE_SECONDS * 2.0 ** min(deaths - QUICK_RESTARTS, 16)
    return min(doubled, LONGEST_PAUSE_SECONDS)


def _ending(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _last_words(output: Path) -> str:
    try:
        with output.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    said = [line for line in lines if not line.startswith("Hint:")]
    return f": {said[-1].removeprefix('Error: ')}" if said else ""


def _rotate(output: Path) -> None:
    if output.exists() and output.stat().st_size > MAX_LOG_BYTES:
        output.replace(_aside(output))


def _aside(output: Path) -> Path:
    return output.with_name(f"{output.name}.1")
