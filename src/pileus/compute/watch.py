"""When a running attempt must be asked to stop, and when it must be killed.

Decides over values; knows no processes and no files. Times are of a monotonic clock, in seconds.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

LOOK_SECONDS = 0.5
"""How late a request to stop may be noticed."""

FENCED = "fenced"
TIMEOUT = "timeout"


class Action(Enum):
    """What to do to the attempt's processes now."""

    ASK = "ask"
    KILL = "kill"


class Seen(NamedTuple):
    """What the worker has left in the directory."""

    stop_reason: str | None
    """Set once a stop was asked for."""

    confirmed_at: float | None
    """When the worker last asked a server that then renewed the lease."""

    fence_seconds: float | None
    """This long after that nobody knows of us any more; no fence when None."""

    is_directory_gone: bool = False
    breach: str | None = None
    """Why it must end at once: it is beyond a limit."""

    def is_fenced(self, now: float) -> bool:
        """Whether another attempt may run by now, so that this one must not."""
        if self.is_directory_gone:
            return True
        if self.confirmed_at is None or self.fence_seconds is None:
            return False
        return now - self.confirmed_at >= self.fence_seconds


class Watch:
    """The runner's memory of one attempt."""

    def __init__(self, now: float, timeout_seconds: float | None, grace_seconds: float) -> None:
        self.reason: str | None = None
        """Why we stopped it; None while it may run."""

        self._timeout_at = None if timeout_seconds is None else now + timeout_seconds
        self._grace_seconds = grace_seconds
        self._kill_at: float | None = None
        self._is_killed = False

    def look(self, now: float, seen: Seen) -> Action | None:
        """The next action, each at most once."""
        if self._is_killed:
            return None
        at_once = FENCED if seen.is_fenced(now) else seen.breach
        if at_once is not None:
            return self._kill(at_once)
        if self._kill_at is not None:
            return self._kill(self.reason) if now >= self._kill_at else None
        if seen.stop_reason is not None:
            return self._ask(now, seen.stop_reason)
        if self._timeout_at is not None and now >= self._timeout_at:
            return self._ask(now, TIMEOUT)
        return None

    def wait_seconds(self, now: float) -> float:
        """How long to sleep before the next look."""
        due = self._timeout_at if self._kill_at is None else self._kill_at
        if due is None or self._is_killed:
            return LOOK_SECONDS
        return max(0.0, min(LOOK_SECONDS, due - now))

    def _ask(self, now: float, reason: str) -> Action:
        self.reason = reason
        self._kill_at = now + self._grace_seconds
        return Action.ASK

    def _kill(self, reason: str | None) -> Action:
        self.reason = reason
        self._is_killed = True
        return Action.KILL
