"""The difference of two dataset versions in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

_FEW = 5
_MANY = 20
_MARKS = {"added": "[green]+[/]", "removed": "[red]-[/]"}
_COLOURS = {"strong": "red", "moderate": "yellow", "none": "green"}
_WORDS = {"strong": "changed", "moderate": "shifted", "none": "same"}


def show_difference(console: Console, a: str, b: str, found: Mapping[str, Any]) -> None:
    """All of it, contents first."""
    console.print(
        f"[bold]{escape(a)}[/] [dim]{found['a']}[/]  →  [bold]{escape(b)}[/] [dim]{found['b']}[/]",
        soft_wrap=True,
    )
    if found["a"] == found["b"]:
        console.print("They are the same version: the same content.")
        return
    before, after = found["rows_before"], found["rows_after"]
    unit = "images" if found["kind"] == "images" else "rows"
    console.print(
        f"{sum(before):,} → {sum(after):,} {unit}"
        f" (to train on {before[0]:,} → {after[0]:,}, untouched {before[1]:,} → {after[1]:,})",
        highlight=False,
    )
    console.print()
    _contents(console, found["contents"], unit)
    _names(console, "columns", found["columns_added"], found["columns_removed"])
    _names(console, "classes", found["classes_added"], found["classes_removed"])
    for change in found["columns_changed"]:
        console.print(_changed(change), highlight=False, soft_wrap=True)
    _drift(console, found["drift"], found["figures"])
    if not found["drift"]:
        console.print(
            "[dim]No statistics: a version has no profile."
            " Make one with `pileus dataset profile NAME --again`.[/]",
            soft_wrap=True,
        )


def _contents(console: Console, contents: Mapping[str, Any], unit: str) -> None:
    says = {
        "added": "added",
        "removed": "removed",
        "relabelled": "in another class",
        "moved": "on the other side of the split",
        "renamed": "with another name",
    }
    for change, text in says.items():
        count = contents[change]
        if count:
            mark = _MARKS.get(change, "[yellow]~[/]")
            console.print(f"{mark} {count:,} {unit} {text}", highlight=False)
            for path in contents["examples"].get(change, ())[:_FEW]:
                console.print(f"    [dim]{escape(path)}[/]", soft_wrap=True, highlight=False)
    console.print(f"[dim]= {contents['unchanged']:,} {unit} as they were[/]", highlight=False)
    if contents["by_columns"] is not None:
        shared = ", ".join(map(repr, contents["by_columns"][:_MANY]))
        console.print(
            f"[dim]  compared by the columns that both have: {escape(shared)}[/]", soft_wrap=True
        )


def _names(console: Console, what: str, added: Sequence[str], removed: Sequence[str]) -> None:
    for change, names in (("added", added), ("removed", removed)):
        if names:
            shown = ", ".join(map(repr, names[:_MANY]))
            more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
            console.print(
                f"{_MARKS[change]} {what} {change}: {escape(shown)}{more}",
                highlight=False,
                soft_wrap=True,
            )


def _changed(change: Mapping[str, Any]) -> str:
    parts = []
    if change["before"] != change["after"]:
        parts.append(f"{change['before']} → {change['after']}")
    for key, word in (("new_values", "new"), ("gone_values", "gone")):
        if change[key] and change["before"] == change["after"]:
            parts.append(f"{word} values {', '.join(map(repr, change[key][:_FEW]))}")
    return f"[yellow]~[/] column {escape(repr(change['name']))}: {escape('; '.join(parts))}"


def _drift(
    console: Console, drift: Sequence[Mapping[str, Any]], figures: Iterable[Mapping[str, Any]]
) -> None:
    if not drift:
        return
    sides = {figure["name"]: figure for figure in figures}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold dim")
    for heading in ("COLUMN", "", "PSI", "KS", "MEDIAN", "MEAN", "MISSING"):
        table.add_column(heading, no_wrap=True, max_width=40)
    # Python sorts stably, so equal ones stay in the order of the table.
    ordered = sorted(drift, key=lambda one: -one["psi"])
    for one in ordered[:_MANY]:
        colour = _COLOURS[one["level"]]
        name = one["name"]
        table.add_row(
            escape(name),
            f"[{colour}]{_WORDS[one['level']]}[/]",
            f"{one['psi']:.3f}",
            "" if one["ks"] is None else f"{one['ks']:.2f}",
            _pair(sides.get(f"{name} median")),
            _pair(sides.get(f"{name} mean")),
            _pair(sides.get(f"{name} missing"), percent=True),
        )
    console.print()
    console.print(table)
    if len(ordered) > _MANY:
        console.print(f"[dim]… and {len(ordered) - _MANY:,} more: see --json[/]")
    console.print(
        "[dim]shifted: PSI above 0.1 or KS above 0.1; changed: PSI above 0.25 or KS above 0.2;"
        " both beyond what chance gives[/]",
        soft_wrap=True,
        highlight=False,
    )


def _pair(figure: Mapping[str, Any] | None, *, percent: bool = False) -> str:
    if figure is None:
        return ""
    if percent and not figure["before"] and not figure["after"]:
        return ""
    form = ".1%" if percent else ".4g"
    before, after = format(figure["before"], form), format(figure["after"], form)
    return before if before == after else f"{before} → {after}"
