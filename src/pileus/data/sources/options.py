"""What a person may say about how a source is read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from pileus.data.errors import OptionRefused
from pileus.data.faults import Faults
from pileus.data.progress import Report, silent


@dataclass(frozen=True)
class SourceOptions:
    """Options of `open_source`; those that do not fit the kind of source are refused there."""

    scratch: Path
    """A directory for what is fetched or unpacked; removed by whoever made it."""

    encoding: str | None = None
    """Of text files, a name that Python knows; found out when absent."""

    query: str | None = None
    """SQL whose rows are the table, for a database."""

    checksum: str | None = None
    """`sha256:HEX` of the bytes at an address."""

    columns: tuple[str, ...] | None = None
    """Names of the columns of a text file whose first line is a row."""

    no_header: bool = False
    """The first line is a row, and its columns are `column_1`, `column_2`, …"""

    faults: Faults = field(default_factory=Faults)

    report: Report = silent
    """Told how far fetching has come."""

    notices: list[str] = field(default_factory=list)
    """What a person should know of how the source was opened; filled while it is."""

    def refuse_all_but(self, allowed: Collection[str], what: str) -> None:
        """Raises OptionRefused if one was given that says nothing about `what`."""
        for name in ("encoding", "query", "checksum", "columns", "no_header"):
            value = getattr(self, name)
            if name not in allowed and value not in {None, False}:
                option = "--" + name.replace("_", "-")
                raise OptionRefused(
                    f"{option} says nothing about {what}", hint=f"Leave {option} out."
                )
