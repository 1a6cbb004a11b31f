"""The tables of `pileus job top`: two lines for an attempt on a terminal, one where there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pileus.cli import phrases
from pileus.cli.usages import UNKNOWN

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

Document = Mapping[str, Any]

ONE_LINE_WIDTH = 150
"""Columns from which on an attempt fits into a line."""

_ID_WIDTH = 30
_INDENT = "  "
_NAME = 14
_LEAST_WIDTH = 80
_NEAR = 0.9
"""Part of its memory that an attempt is near the end of."""


def tables(top: Document, console: Console) -> Iterable[RenderableType]:
    """What to print of an answer."""
    if top["items"]:
        is_wide = console.width >= ONE_LINE_WIDTH
        yield (_in_one_line if is_wide else _in_two_lines)(top, console)
        if top["has_more"]:
            yield "[dim]More run than are shown.[/]"
    else:
        yield "[dim]Nothing runs in this project.[/]"
    yield ""
    yield _nodes(top, console)


def _in_two_lines(top: Document, console: Console) -> Table:
    has_gpu = any(item["asked"]["gpu"] for item in top["items"])
    table = _table(console)
    # An id that is cut cannot be copied; of the words below it the last ones may go.
    width = _ID_WIDTH + max(0, console.width - _LEAST_WIDTH)
    table.add_column("JOB", no_wrap=True, min_width=_ID_WIDTH)
    for heading in ("CPU", "MEMORY", "PEAK", "DISK", *(["GPU"] if has_gpu else ["PROCS"])):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(f"COST {top['currency']}", justify="right", no_wrap=True)
    for item in top["items"]:
        used, asked = item["used"] or {}, item["asked"]
        style = "dim" if used.get("is_stale") else ""
        gpu = f"{_fraction(used, 'gpu_milli')}\n{_of(format(asked['gpu'], 'g'))}"
        table.add_row(
            _lines(item, top["at"], width),
            f"{_fraction(used, 'cpu_milli')}\n{_of(format(asked['cpu'], 'g'))}",
            f"{_mib(used, 'memory_mib')}\n{_of(phrases.mib(asked['memory_mib']))}",
            _peak(used, asked),
            f"{_mib(used, 'disk_mib')}\n{_of(_disk_asked(asked))}",
            (gpu if asked["gpu"] else "") if has_gpu else _processes(used),
            _cost(item["cost_micro"]),
            style=style,
        )
    return table


def _in_one_line(top: Document, console: Console) -> Table:
    table = _table(console)
    columns: dict[str, Callable[[Document], str]] = {
        "JOB": lambda item: item["job"],
        "NAME": lambda item: _escape(_called(item)),
        "NODE": lambda item: _escape(item["node"]),
        "STATE": lambda item: item["state"],
        "AGE": lambda item: _age(item, top["at"]),
        "CPU": lambda item: _fraction(_used(item), "cpu_milli"),
        "ASKED": lambda item: format(item["asked"]["cpu"], "g"),
        "MEMORY": lambda item: _mib(_used(item), "memory_mib"),
        "PEAK": lambda item: _peak(_used(item), item["asked"]),
        "ASKED ": lambda item: phrases.mib(item["asked"]["memory_mib"]),
        "DISK": lambda item: _mib(_used(item), "disk_mib"),
        "QUOTA": lambda item: _disk_asked(item["asked"]),
        "PROCS": lambda item: _processes(_used(item)),
        "GPU": lambda item: _fraction(_used(item), "gpu_milli") if item["asked"]["gpu"] else "",
        "ASKED  ": lambda item: format(item["asked"]["gpu"], "g"),
        f"COST {top['currency']}": lambda item: phrases.money(item["cost_micro"]),
        "SEEN": lambda item: _seen(item, top["at"]),
    }
    for heading in columns:
        table.add_column(heading.strip(), no_wrap=True)
    for item in top["items"]:
        style = "dim" if _used(item).get("is_stale") else ""
        table.add_row(*(cell(item) for cell in columns.values()), style=style)
    return table


def _nodes(top: Document, console: Console) -> Table:
    has_gpu = any(node["gpu_milli"]["total"] for node in top["nodes"])
    gap = ", " if console.width >= ONE_LINE_WIDTH else "\n"
    table = _table(console)
    for heading in ("NODE", "JOBS", "CPU", "MEMORY", *(["GPU"] if has_gpu else [])):
        table.add_column(heading, no_wrap=heading != "NODE")
    for node in top["nodes"]:
        name = _escape(node["name"])
        table.add_row(
            name if node["is_answering"] else f"{name} (silent)",
            str(node["attempts"]),
            gap.join(_load(node["cpu_milli"], phrases.milli, _hundredths)),
            gap.join(_load(node["memory_mib"], phrases.mib, phrases.mib)),
            *([gap.join(_load(node["gpu_milli"], phrases.milli, _hundredths))] if has_gpu else []),
            style="" if node["is_answering"] else "dim",
        )
    return table


def _table(console: Console) -> Table:
    from rich.box import SIMPLE_HEAD  # start-up time
    from rich.table import Table  # start-up time

    # Piped, a header line and no rule: for `grep`, `awk` and `head`.
    box = SIMPLE_HEAD if console.is_terminal else None
    gap = 1 if box else 2
    return Table(
        box=box,
        show_edge=False,
        pad_edge=False,
        padding=(0, gap, 0, 0),
        header_style="bold dim",
    )


def _lines(item: Document, at: str, width: int) -> str:
    """The id, then what a person calls it; and how old its figures are, if they are too old."""
    state = [] if item["state"] == "running" else [item["state"]]
    words = [_called(item), *state, _age(item, at), item["node"]]
    while len(words) > 1 and len(_INDENT + ", ".join(words)) > width:
        words.pop()
    seen = f"\n{_INDENT}seen {_seen(item, at)} ago" if _used(item).get("is_stale") else ""
    return f"{item['job']}\n{_INDENT}[dim]{_escape(', '.join(words))}[/]{seen}"


def _called(item: Document) -> str:
    name: str = item["name"] or item["kind"]
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def _age(item: Document, at: str) -> str:
    return phrases.lasted(item["started_at"] or item["granted_at"], at)


def _seen(item: Document, at: str) -> str:
    when = _used(item).get("sampled_at")
    return phrases.lasted(when, at) if when else UNKNOWN


def _used(item: Document) -> Document:
    used: Document = item["used"] or {}
    return used


def _fraction(used: Document, field: str) -> str:
    return UNKNOWN if used.get(field) is None else _hundredths(used[field])


def _hundredths(milli: int) -> str:
    return f"{milli / 1000:.2f}"


def _mib(used: Document, field: str) -> str:
    return UNKNOWN if used.get(field) is None else phrases.mib(used[field])


def _cost(micro: int) -> str:
    """To six places while it is small, so that its column stays narrow."""
    return phrases.money(micro) if micro < phrases.MICRO else f"{micro / phrases.MICRO:,.2f}"


def _peak(used: Document, asked: Document) -> str:
    peak = used.get("memory_peak_mib")
    if peak is None:
        return UNKNOWN
    is_near = peak >= _NEAR * asked["memory_mib"]
    return f"[bold red]{phrases.mib(peak)}[/]" if is_near else phrases.mib(peak)


def _disk_asked(asked: Document) -> str:
    return phrases.mib(asked["disk_mib"]) if asked.get("disk_mib") else ""


def _processes(used: Document) -> str:
    return UNKNOWN if used.get("processes") is None else str(used["processes"])


def _of(asked: str) -> str:
    return f"[dim]of {asked}[/]" if asked else ""


def _load(load: Document, whole: Callable[[int], str], used: Callable[[int], str]) -> list[str]:
    known = UNKNOWN if load["used"] is None else used(load["used"])
    return [f"{known} used", f"{whole(load['asked'])} asked of {whole(load['total'])}"]


def _escape(text: str) -> str:
    from rich.markup import escape  # start-up time

    return escape(text)
