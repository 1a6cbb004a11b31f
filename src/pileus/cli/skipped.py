"""What was left out of a dataset version, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pileus.cli.output import Column, Output

SHOWN = 10
"""Skipped parts that are listed; --json has those that the version keeps."""


def skipped_of(version: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a version keeps of it: `total`, `codes`, and the `first` parts."""
    found: Mapping[str, Any] | None = (version.get("info") or {}).get("skipped")
    return found


def counted(skipped: Mapping[str, Any] | None) -> str | None:
    """One line: `3: 2 table_damaged, 1 label_refused`."""
    if skipped is None:
        return None
    codes = ", ".join(f"{count:,} {code}" for code, count in skipped["codes"])
    return f"{skipped['total']:,}: {codes}"


def show_skipped(output: Output, parts: Sequence[Mapping[str, Any]], total: int) -> None:
    """The first parts of `total`, in a table."""
    if not parts or output.as_json:
        return
    more = f"; these are the first {SHOWN}, --json lists more" if total > SHOWN else ""
    output.say(f"\nSkipped {total:,}{more}:")
    columns: list[Column] = [("NAME", "name"), ("LINE", "line"), ("REASON", "reason")]
    output.table(parts[:SHOWN], columns, "")
