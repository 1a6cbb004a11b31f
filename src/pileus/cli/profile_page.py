"""A profile as one page: pictures in it, nothing fetched when it is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pileus.cli import phrases
from pileus.cli.contact_sheet import contact_sheet
from pileus.cli.downloads import save
from pileus.cli.skipped import counted, skipped_of
from pileus.data.profile.findings import findings
from pileus.data.profile.schema import CategoryColumn, Column, NumberColumn, Numbers, Profile

if TYPE_CHECKING:
    from pileus.sdk import Client

_STYLE = (Path(__file__).parent / "profile_page.css").read_text(encoding="utf-8")
_VALUES = 12
_POINTS = (1, 5, 25, 50, 75, 95, 99)


def write_page(client: Client, version: Mapping[str, Any], profile: Profile, path: Path) -> None:
    """Write the page to `path`. Raises InvalidRequest when it cannot be written."""
    sheet = contact_sheet(client, version) if profile.kind == "images" else {}
    save(path.parent, path.name, page(version, profile, sheet).encode())


def page(version: Mapping[str, Any], profile: Profile, sheet: Mapping[str, Sequence[str]]) -> str:
    """The page; `sheet` has images of each class as `data:` URLs."""
    name = f"{version['dataset']}@{version['number']}"
    unit = "images" if profile.kind == "images" else "rows"
    source = escape(str(version.get("source") or ""))
    about = f"{escape(profile.version)} · {profile.kind} · {profile.task} · {source}"
    made = f"Profile schema {profile.schema}, profiler {profile.profiler}"
    repeated = profile.whole.rows - profile.whole.distinct_rows
    facts = [
        (f"{profile.whole.rows:,}", unit),
        (f"{profile.train.rows:,}", "to train on"),
        (f"{profile.untouched.rows:,}", "untouched"),
        (f"{'≈ ' if profile.is_estimated and repeated else ''}{repeated:,}", "repeat others"),
        (phrases.size(int(version["size_bytes"])), "stored"),
    ]
    body = [
        "<header>",
        f"<h1>{escape(name)}</h1>",
        f"<p class=id>{about}</p>",
        "</header>",
        f"<section class=facts>{''.join(_fact(*fact) for fact in facts)}</section>",
        _findings(profile),
        _classes(profile, sheet),
        _target(profile),
        _images(profile),
        _columns(profile),
        _skipped(version),
        f"<footer>{made}. Hover a bar for its numbers.</footer>",
    ]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{escape(name)} · profile</title><style>{_STYLE}</style>"
        f"<main>{''.join(body)}</main></html>\n"
    )


def histogram(numbers: Numbers, width: int = 264, height: int = 72) -> str:
    """Bars of equal width from minimum to maximum, each with its range as a title."""
    if numbers.min == numbers.max:
        return f"<p class=constant>always {numbers.min:.6g}</p>"
    counts = numbers.histogram
    most, total = max(counts) or 1, sum(counts) or 1
    step = (numbers.max - numbers.min) / len(counts)
    bars = []
    for index, count in enumerate(counts):
        if not count:
            continue
        tall = max(count / most * height, 1.5)
        low = numbers.min + index * step
        title = f"{low:.4g} to {low + step:.4g}: {count / total:.1%}"
        bars.append(
            f'<rect x="{index * width / len(counts):.1f}" y="{height - tall:.1f}"'
            f' width="{max(width / len(counts) - 1, 1):.1f}" height="{tall:.1f}">'
            f"<title>{title}</title></rect>"
        )
    return (
        f'<svg viewBox="0 0 {width} {height}" class=histogram preserveAspectRatio=none role=img>{"".join(bars)}</svg>'
        f"<div class=axis><span>{numbers.min:.4g}</span><span>{numbers.max:.4g}</span></div>"
    )


def _fact(value: str, what: str) -> str:
    return f"<div><b>{value}</b><span>{what}</span></div>"


def _findings(profile: Profile) -> str:
    found = findings(profile)
    if not found:
        return "<section><p class=good>Nothing stands out.</p></section>"
    items = "".join(f"<li class={one.level}>{escape(one.text)}</li>" for one in found)
    return f"<section><h2>Worth a look</h2><ul class=findings>{items}</ul></section>"


def _classes(profile: Profile, sheet: Mapping[str, Sequence[str]]) -> str:
    classes = profile.whole.classes
    if classes is None:
        return ""
    untouched = dict(profile.untouched.classes or ())
    most = max((count for _, count in classes), default=1) or 1
    rows = []
    for name, count in classes:
        pictures = "".join(f'<img src="{source}" alt="">' for source in sheet.get(name, ()))
        train = count - untouched.get(name, 0)
        rows.append(
            f"<div class=class><span class=name>{escape(name)}</span>"
            f'<span class=bar title="{train:,} to train on, {untouched.get(name, 0):,} untouched">'
            f'<i style="width:{train / most:.2%}"></i>'
            f'<i class=untouched style="width:{untouched.get(name, 0) / most:.2%}"></i></span>'
            f"<span class=count>{count:,} <small>{count / profile.whole.rows:.1%}</small></span>"
            + (f"<div class=sheet>{pictures}</div>" if pictures else "")
            + "</div>"
        )
    key = "<p class=key><i></i> to train on <i class=untouched></i> untouched</p>"
    return f"<section><h2>Classes</h2>{key}<div class=classes>{''.join(rows)}</div></section>"


def _target(profile: Profile) -> str:
    target = profile.whole.target
    if target is None:
        return ""
    card = _card(str(profile.label), "what is predicted", "", histogram(target), _numbers(target))
    return f"<section><h2>Target</h2><div class=cards>{card}</div></section>"


def _images(profile: Profile) -> str:
    images = profile.whole.images
    if images is None:
        return ""
    cards = [
        _card(name, unit, "", histogram(numbers), _numbers(numbers))
        for name, unit, numbers in (
            ("width", "pixels", images.width),
            ("height", "pixels", images.height),
            ("aspect", "width over height", images.aspect),
            ("bytes", "as stored", images.bytes),
        )
    ]
    sizes = [(f"{width} x {height}", count) for width, height, count in images.sizes]
    for title, counts in (("sizes", sizes), ("modes", images.modes), ("formats", images.formats)):
        cards.append(_card(title, "", "", _values(counts, profile.whole.rows), ""))
    return f"<section><h2>Images</h2><div class=cards>{''.join(cards)}</div></section>"


def _columns(profile: Profile) -> str:
    columns = profile.whole.columns
    if columns is None:
        return ""
    cards = "".join(_column(column, profile.whole.rows) for column in columns)
    return f"<section><h2>Columns</h2><div class=cards>{cards}</div></section>"


def _skipped(version: Mapping[str, Any]) -> str:
    skipped = skipped_of(version)
    if skipped is None:
        return ""
    lines = []
    for part in skipped["first"]:
        place = f"{part['name']}, {part['line']}" if part.get("line") else part["name"]
        lines.append(f"<li class=note><b>{escape(place)}</b> {escape(part['reason'])}</li>")
    more = skipped["total"] - len(lines)
    rest = f"<p class=note>and {more:,} more</p>" if more else ""
    total = f"<p class=note>{escape(counted(skipped) or '')}</p>"
    items = f"<ul class=findings>{''.join(lines)}</ul>"
    return f"<section><h2>Skipped</h2>{total}{items}{rest}</section>"


def _column(column: Column, rows: int) -> str:
    missing = f"{column.missing / rows:.1%} missing" if column.missing else ""
    if isinstance(column, NumberColumn):
        numbers = column.numbers
        picture, figures = (histogram(numbers), _numbers(numbers)) if numbers else ("", "")
        return _card(column.name, "number", missing, picture, figures)
    if isinstance(column, CategoryColumn):
        what = f"category, {column.distinct:,} values"
        return _card(column.name, what, missing, _values(column.values, rows), "")
    what = f"text, {column.distinct:,} different"
    long = column.characters
    picture, figures = (histogram(long), _numbers(long)) if long else ("", "")
    return _card(column.name, what, missing, picture, figures + "<p class=note>characters</p>")


def _card(name: str, what: str, missing: str, picture: str, figures: str) -> str:
    alarm = f"<span class=missing>{missing}</span>" if missing else ""
    return (
        f"<article><h3>{escape(name)} <small>{escape(what)}</small>{alarm}</h3>"
        f"{picture}{figures}</article>"
    )


def _numbers(numbers: Numbers) -> str:
    points = [(f"p{at}", numbers.percentiles[at]) for at in _POINTS]
    pairs = [("mean", numbers.mean), ("std", numbers.std), *points]
    cells = "".join(f"<span><small>{name}</small>{value:.4g}</span>" for name, value in pairs)
    return f"<div class=numbers>{cells}</div>"


def _values(counts: Iterable[tuple[str, int]], rows: int) -> str:
    counted = list(counts)
    most = max((count for _, count in counted), default=1) or 1
    lines = [
        f"<div class=value><span>{escape(name) or '?'}</span>"
        f'<span class=bar><i style="width:{count / most:.2%}"></i></span>'
        f"<span class=count>{count / rows:.1%}</span></div>"
        for name, count in counted[:_VALUES]
    ]
    more = len(counted) - _VALUES
    return "".join(lines) + (f"<p class=note>and {more:,} more</p>" if more > 0 else "")
