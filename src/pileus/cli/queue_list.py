"""`pileus job queue` where a table would not fit: a job is a paragraph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pileus.cli import phrases

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TABLE_WIDTH = 150
"""Columns from which on reasons and starts fit beside each other."""


def is_narrow(console: Console) -> bool:
    """Whether a table would fold its texts into columns of a word."""
    return console.width < TABLE_WIDTH


def listed(items: Iterable[Mapping[str, Any]]) -> Table:
    """The place of each job in the margin; what it waits for under its id."""
    from rich.markup import escape  # start-up time
    from rich.table import Table  # start-up time

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="bold")
    table.add_column()
    for item in items:
        lines = [_head(item), waits(item)]
        if item["node"] is None and item.get("eta"):
            lines.append(f"Starts {phrases.start(item['eta'], item.get('after'))}")
        table.add_row(str(item["position"]), "\n".join(map(escape, lines)))
    return table


def waits(item: Mapping[str, Any]) -> str:
    """What it waits for, or where it is about to start."""
    return item["reason"] or f"Starts on {item['node']}"


def _head(item: Mapping[str, Any]) -> str:
    words = [
        item["name"] or item["kind"],
        *([f"priority {item['priority']}"] if item["priority"] else []),
        phrases.ago(item["created_at"]),
    ]
    return f"{item['job']}  {', '.join(words)}"
