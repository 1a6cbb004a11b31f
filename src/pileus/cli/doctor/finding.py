"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands."""

    OK = "ok"  #: as it should be
    WARN = "warn"  #: works, and will not for ever
    FAIL = "fail"  #: does not work, or is not safe
    SKIP = "skip"  #: cannot be looked at now


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    check: str
    state: State
    found: str
    hint: str | None = None
    """The next step, where there is one."""

    @staticmethod
    def ok(check: str, found: str) -> Finding:
        return Finding(check, State.OK, found)

    @staticmethod
    def warn(check: str, found: str, hint: str) -> Finding:
        return Finding(check, State.WARN, found, hint)

    @staticmethod
    def fail(check: str, found: str, hint: str) -> Finding:
        return Finding(check, State.FAIL, found, hint)

    @staticmethod
    def skip(check: str, found: str) -> Finding:
        return Finding(check, State.SKIP, found)
