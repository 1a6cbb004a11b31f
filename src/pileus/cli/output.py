"""Where results go: one JSON value on stdout, or tables and lines for a person."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from pileus.core.errors import PileusError

Row = Mapping[str, Any]
Column = tuple[str, str | Callable[[Row], object]]
"""Heading, and the field or the function that fills it."""

_ID = re.compile(r"[a-z]{3}_[0-9a-z]{16,}$")

_WORD = 12
"""Characters of a cell that is not worth a second line."""

PIPED_WIDTH = 400
"""Columns when stdout is no terminal: nothing that a program reads is cut."""


class Output:
    """Results on stdout, everything else on stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @cached_property
    def console(self) -> Console:
        """Stdout for a person; plain text when it is piped."""
        return _console(stderr=False)

    @cached_property
    def notes(self) -> Console:
        """Stderr for a person."""
        return _console(stderr=True)

    @property
    def is_live(self) -> bool:
        """Whether a person watches, so that lines may be redrawn."""
        return not self.as_json and sys.stdout.isatty()

    def show(self, value: object, render: Callable[[Console], object]) -> None:
        """`value` as JSON, or `render` for a person."""
        if self.as_json:
            self.write_json(value)
        else:
            render(self.console)

    def table(self, items: Iterable[Row], columns: Sequence[Column], empty: str) -> None:
        """A list: a JSON array, or a table; `empty` is said when it has no item."""
        rows = list(items)
        if self.as_json:
            self.write_json(rows)
        elif not rows:
            self.say(f"[dim]{empty}[/dim]")
        else:
            headings = [heading for heading, _ in columns]
            self._grid(headings, [[_cell(row, field) for _, field in columns] for row in rows])

    def _grid(self, headings: list[str], rows: list[list[str]]) -> None:
        from rich.box import SIMPLE_HEAD  # start-up time
        from rich.table import Table  # start-up time

        # Piped, it is one header line and one line per row: for `grep`, `awk` and `head`.
        box = SIMPLE_HEAD if self.console.is_terminal else None
        gap = 1 if box else 2
        table = Table(box=box, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold dim")
        for heading, cells in zip(headings, zip(*rows, strict=True), strict=True):
            # An id that is folded cannot be copied, and a word is hard to read; texts give way.
            is_whole = all(_ID.match(cell) or len(cell) <= _WORD for cell in cells)
            table.add_column(heading, overflow="fold", no_wrap=is_whole)
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def say(self, text: str, end: str = "\n") -> None:
        """A line for a person, in Rich's markup; nothing with --json."""
        if not self.as_json:
            self.console.print(text, soft_wrap=True, highlight=False, end=end)

    def note(self, text: str) -> None:
        """A line for a person on stderr, in Rich's markup; nothing with --json."""
        if not self.as_json:
            self.notes.print(text, soft_wrap=True, highlight=False)

    def error(self, error: PileusError) -> None:
        """What went wrong and the next step; with --json the wire's body on stdout."""
        if self.as_json:
            self.write_json({"error": error.to_wire()})
            return
        from rich.markup import escape  # start-up time

        self.notes.print(
            f"[bold red]Error:[/] {escape(error.message)}", soft_wrap=True, highlight=False
        )
        if error.hint:
            self.notes.print(
                f"[dim]Hint:[/]  {escape(error.hint)}", soft_wrap=True, highlight=False
            )
        if error.request_id:
            self.notes.print(
                f"[dim]request {escape(error.request_id)}[/]", soft_wrap=True, highlight=False
            )

    @staticmethod
    def write_json(value: object) -> None:
        """One JSON value, on one line."""
        import json  # start-up time

        sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()


def fields(console: Console, pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values of one thing, aligned; an absent value is left out."""
    from rich.markup import escape  # start-up time

    shown = [(name, value) for name, value in pairs if value not in (None, "")]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        console.print(
            f"[dim]{name:<{width}}[/]  {escape(str(value))}", soft_wrap=True, highlight=False
        )


def _cell(row: Row, field: str | Callable[[Row], object]) -> str:
    from rich.markup import escape  # start-up time

    value = row.get(field) if isinstance(field, str) else field(row)
    return "" if value is None else escape(str(value))


def _console(*, stderr: bool) -> Console:
    from rich.console import Console  # start-up time

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PIPED_WIDTH)
