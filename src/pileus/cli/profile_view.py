"""A profile in a terminal: a line and a small picture for each column, class and finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from pileus.cli import phrases
from pileus.cli.skipped import SHOWN, counted, skipped_of
from pileus.data.profile.findings import findings
from pileus.data.profile.schema import CategoryColumn, Column, NumberColumn, Numbers

if TYPE_CHECKING:
    from rich.console import Console

    from pileus.data.profile.schema import Images, Profile

_BARS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR_WIDTH = 24
_SPARK_WIDTH = 24
_MANY = 25
"""Classes or columns shown; the page and --json have all of them."""

_VALUES = 3


def show_profile(console: Console, version: Mapping[str, Any], profile: Profile) -> None:
    """All of it, from the whole to the detail."""
    sides = f"{profile.train.rows:,} to train on, {profile.untouched.rows:,} untouched"
    unit = "images" if profile.kind == "images" else "rows"
    console.print(
        f"[bold]{escape(version['dataset'])}@{version['number']}[/]"
        f"  [dim]{version['id']}[/]  {profile.kind}, {profile.task}"
    )
    console.print(f"{profile.whole.rows:,} {unit}: {sides}", highlight=False)
    if profile.whole.classes is not None:
        _classes(console, profile)
    if profile.whole.target is not None:
        console.print()
        console.print(f"[bold]{escape(profile.label or '')}[/]  [dim]what is predicted[/]")
        console.print(f"  {_figures(profile.whole.target)}", highlight=False)
    if profile.whole.columns is not None:
        _columns(console, profile.whole.columns, profile.whole.rows)
    if profile.whole.images is not None:
        _images(console, profile.whole.images)
    _findings(console, profile)
    _skipped(console, version)


def sparkline(counts: Sequence[int]) -> str:
    """One character for each bin; a bin that is not empty is never blank."""
    most = max(counts, default=0) or 1
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts)


def bar(share: float, width: int = _BAR_WIDTH) -> str:
    """A bar as long as `share` of `width` characters, to an eighth of one."""
    whole, part = divmod(round(share * width * 8), 8)
    return "█" * whole + (_EIGHTHS[part] if part else "")


def _grid(*headings: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold dim")
    for heading in headings:
        table.add_column(
            heading,
            justify="right" if heading in right else "left",
            no_wrap=True,
            max_width=30 if heading in {"COLUMN", "CLASS"} else None,
        )
    return table


def _classes(console: Console, profile: Profile) -> None:
    classes = profile.whole.classes or ()
    untouched = dict(profile.untouched.classes or ())
    most = max((count for _, count in classes), default=1) or 1
    table = _grid("CLASS", "", "ALL", "SHARE", "UNTOUCHED", right=("ALL", "SHARE", "UNTOUCHED"))
    for name, count in classes[:_MANY]:
        table.add_row(
            escape(name),
            f"[cyan]{bar(count / most)}[/]",
            f"{count:,}",
            f"{count / profile.whole.rows:.1%}",
            f"{untouched.get(name, 0):,}",
        )
    console.print()
    console.print(table)
    _more(console, len(classes), "classes")


def _columns(console: Console, columns: Sequence[Column], rows: int) -> None:
    table = _grid("COLUMN", "TYPE", "MISSING", "DISTRIBUTION", "WHAT", right=("MISSING",))
    for column in columns[:_MANY]:
        share = column.missing / rows
        table.add_row(
            escape(column.name),
            "number"
            if isinstance(column, NumberColumn)
            else "category"
            if isinstance(column, CategoryColumn)
            else "text",
            f"[{'red' if share > 0.5 else 'yellow'}]{share:.1%}[/]" if share else "[dim]-[/]",
            f"[cyan]{_picture(column)}[/]",
            _what(column, rows),
        )
    console.print()
    console.print(table)
    _more(console, len(columns), "columns")


def _picture(column: Column) -> str:
    if isinstance(column, CategoryColumn):
        return sparkline([count for _, count in column.values[:_SPARK_WIDTH]])
    numbers = column.numbers if isinstance(column, NumberColumn) else column.characters
    return sparkline(numbers.histogram) if numbers else ""


def _what(column: Column, rows: int) -> str:
    if isinstance(column, NumberColumn):
        return _figures(column.numbers)
    if isinstance(column, CategoryColumn):
        shown = [f"{escape(name)} {count / rows:.0%}" for name, count in column.values[:_VALUES]]
        more = f" … {column.distinct} values" if column.distinct > _VALUES else ""
        return ", ".join(shown) + more
    if column.characters is None or column.words is None:
        return ""
    long, words = column.characters, column.words
    return (
        f"{column.distinct:,} different; {long.min:.0f} to {long.max:.0f} characters,"
        f" median {long.percentiles[50]:.0f}; {words.percentiles[50]:.0f} words"
    )


def _figures(numbers: Numbers | None) -> str:
    if numbers is None:
        return ""
    return (
        f"{numbers.min:.4g} … [bold]{numbers.percentiles[50]:.4g}[/] … {numbers.max:.4g}"
        f"  [dim]mean[/] {numbers.mean:.4g} [dim]±[/] {numbers.std:.4g}"
    )


def _images(console: Console, images: Images) -> None:
    size = [f"{width}x{height} ({count:,})" for width, height, count in images.sizes[:5]]
    more = f" and {images.distinct_sizes - 5} more" if images.distinct_sizes > 5 else ""
    modes = [f"{escape(mode)} ({count:,})" for mode, count in images.modes]
    formats = [f"{escape(name) or '?'} ({count:,})" for name, count in images.formats]
    points = [int(images.bytes.percentiles[at]) for at in (5, 50, 95)]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row("[dim]sizes[/]", ", ".join(size) + more)
    table.add_row("[dim]modes[/]", ", ".join(modes))
    table.add_row("[dim]formats[/]", ", ".join(formats))
    table.add_row(
        "[dim]bytes[/]",
        f"[cyan]{sparkline(images.bytes.histogram)}[/]  "
        + ", ".join(
            f"p{at} {phrases.size(count)}" for at, count in zip((5, 50, 95), points, strict=True)
        ),
    )
    console.print()
    console.print(table)


def _findings(console: Console, profile: Profile) -> None:
    found = findings(profile)
    console.print()
    if not found:
        console.print("[green]✓[/] Nothing stands out.", highlight=False)
    for one in found:
        mark = "[yellow]![/]" if one.level == "warning" else "[dim]·[/]"
        console.print(f"{mark} {escape(one.text)}", highlight=False, soft_wrap=True)


def _skipped(console: Console, version: Mapping[str, Any]) -> None:
    skipped = skipped_of(version)
    if skipped is None:
        return
    console.print(f"\nSkipped {counted(skipped)}", highlight=False)
    for part in skipped["first"][:SHOWN]:
        console.print(f"  {escape(part['reason'])}", highlight=False, soft_wrap=True)
    if skipped["total"] > SHOWN:
        more = f"… and {skipped['total'] - SHOWN:,} more: see --html or --json"
        console.print(f"[dim]{more}[/]", highlight=False)


def _more(console: Console, count: int, what: str) -> None:
    if count > _MANY:
        console.print(f"[dim]… and {count - _MANY:,} more {what}: see --html or --json[/]")
