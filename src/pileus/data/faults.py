"""Parts of a source that cannot be used: refused, or passed over and listed (`--skip-bad`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pileus.core.errors import PileusError
from pileus.data.schema import SkippedPart, SkippedParts

MAX_SKIPPED = 100_000
"""More than this is no source with faults, but another source than was meant; memory is bounded."""

MAX_KEPT = 50
"""Parts that a manifest names; the others are counted. A list of versions carries them all."""

MAX_TEXT = 300
"""Characters of a name or a reason that a manifest keeps."""


@dataclass(frozen=True)
class Skipped:
    """One part that was left out: a file, or a line (or row, from 1) of a file."""

    name: str
    line: int | None
    code: str
    reason: str


class Faults:
    """Decides what a fault in one file or line does to the whole, and remembers it."""

    def __init__(self, *, skip: bool = False) -> None:
        self.is_skipping = skip
        self.skipped: list[Skipped] = []

    def meet(self, error: PileusError, name: str, line: int | None = None) -> None:
        """Raise `error`; note it and return when faults are skipped."""
        if not self.is_skipping:
            raise error
        if len(self.skipped) == MAX_SKIPPED:
            raise type(error)(
                f"{error.message}; {MAX_SKIPPED:,} parts before it cannot be used either",
                hint="Look at the first ones: run this again without --skip-bad.",
            )
        self.skipped.append(Skipped(name, line, error.code, error.message))


def kept(skipped: Sequence[Skipped]) -> SkippedParts | None:
    """What a manifest says of parts that were left out, however many they are."""
    if not skipped:
        return None
    codes = Counter(one.code for one in skipped)
    return SkippedParts(
        total=len(skipped),
        codes=tuple(sorted(codes.items(), key=lambda pair: (-pair[1], pair[0]))),
        first=tuple(
            SkippedPart(_text(one.name), one.code, _text(one.reason), one.line)
            for one in skipped[:MAX_KEPT]
        ),
    )


def _text(text: str) -> str:
    # A name that is not UTF-8 is a reason to be skipped, and has to be written down all the same.
    plain = text.encode("utf-8", "backslashreplace").decode()
    return plain if len(plain) <= MAX_TEXT else plain[: MAX_TEXT - 1] + "…"
