"""Goes over a result once and checks everything that was expected of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from pileus.core.schemas.expectations import (
    ClassExpectation,
    ColumnExpectation,
    Expectations,
    ImageExpectation,
)
from pileus.data.cells import is_missing
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.expecting.cells import CellChecks
from pileus.data.clean.expecting.violations import Seen, Violations
from pileus.data.clean.first import Contents
from pileus.data.clean.images.stage import Stage as Images
from pileus.data.clean.tables.stage import Stage as Table
from pileus.data.image_facts import check
from pileus.data.schema import Split

_BATCH = 10_000

IMAGE_COLUMNS = ("width", "height", "mode", "class")
"""What is known of an image, as a row."""

Rows = Callable[[], Iterator[Seen]]


def check_table(expected: Expectations, table: Table, violations: Violations) -> None:
    """Note what does not hold of a table. Raises StepRefused for a column that is not there."""
    for name, column in expected.columns.items():
        table.index(name)
        found = table.columns.get(name)
        if column.type in {"category", "text"} and found is not None and found.type != column.type:
            violations.whole(f"{name!r} is of type {column.type}", f"it is of type {found.type}")
    if expected.classes is not None and not table.is_classification:
        raise StepRefused(
            f"Label {table.label!r} is a number, so there are no classes to expect anything of",
            hint="Leave 'classes' out of the expectations.",
        )

    def rows() -> Iterator[Seen]:
        counts: Counter[Split] = Counter()
        for row in table.rows():
            counts[row.split] += 1
            yield Seen(row.split, f"row {counts[row.split]}", row.cells)

    _check(expected, table.names, table.label, expected.columns, rows, violations)


def check_images(expected: Expectations, images: Images, violations: Violations) -> None:
    """Note what does not hold of images."""

    def rows() -> Iterator[Seen]:
        for picture in images.pictures():
            facts = check(picture.data, picture.path)
            cells = (str(facts.width), str(facts.height), facts.mode, picture.label)
            yield Seen(picture.split, picture.path, cells)

    columns = {} if expected.images is None else _image_columns(expected.images)
    _check(expected, IMAGE_COLUMNS, "class", columns, rows, violations)


def _image_columns(expected: ImageExpectation) -> dict[str, ColumnExpectation]:
    return {
        "width": ColumnExpectation(min=expected.min_width, max=expected.max_width),
        "height": ColumnExpectation(min=expected.min_height, max=expected.max_height),
        "mode": ColumnExpectation(allowed=expected.modes),
    }


def _check(
    expected: Expectations,
    names: Sequence[str],
    label: str,
    columns: dict[str, ColumnExpectation],
    rows: Rows,
    violations: Violations,
) -> None:
    checks = CellChecks(names, columns) if columns else None
    whole = _Whole(names, label, [name for name, column in columns.items() if column.unique])
    iterator = rows()
    while batch := list(islice(iterator, _BATCH)):
        if checks is not None:
            checks.check(batch, violations)
        whole.see(batch)
    for name, contents in whole.unique.items():
        _note_repeated(name, names.index(name), contents, rows, violations)
    if expected.min_rows is not None and whole.rows < expected.min_rows:
        violations.whole(f"at least {expected.min_rows:,} rows", f"there are {whole.rows:,}")
    if expected.max_missing is not None:
        _check_missing(expected.max_missing, whole, violations)
    if expected.classes is not None:
        _check_classes(expected.classes, whole.classes, violations)


class _Whole:
    """What is known of all rows together."""

    def __init__(self, names: Sequence[str], label: str, unique: Sequence[str]) -> None:
        self.rows = 0
        self.missing = dict.fromkeys(names, 0)
        self.classes = Counter[str]()
        """Of the training part."""

        self.unique = {name: Contents() for name in unique}
        self._places = {name: names.index(name) for name in unique}
        self._label = names.index(label)

    def see(self, batch: Sequence[Seen]) -> None:
        self.rows += len(batch)
        columns = zip(*(seen.cells for seen in batch), strict=True)
        for name, cells in zip(self.missing, columns, strict=True):
            self.missing[name] += sum(map(is_missing, cells))
        for name, contents in self.unique.items():
            for seen in batch:
                contents.add(seen.cells[self._places[name]].strip().encode())
        self.classes.update(
            seen.cells[self._label].strip() for seen in batch if seen.split == "train"
        )


def _check_missing(most: float, whole: _Whole, violations: Violations) -> None:
    for name, count in whole.missing.items():
        if whole.rows and count / whole.rows > most:
            share = f"{count / whole.rows:.1%} of its cells are"
            violations.whole(f"at most {most:.1%} of {name!r} missing", share)


def _note_repeated(
    name: str, place: int, contents: Contents, rows: Rows, violations: Violations
) -> None:
    for seen, is_first in zip(rows(), contents.first().tolist(), strict=True):
        if not is_first and not is_missing(seen.cells[place]):
            violations.row(f"{name!r} is unique", seen, seen.cells[place])


def _check_classes(
    expected: ClassExpectation, classes: Counter[str], violations: Violations
) -> None:
    total = sum(classes.values())
    if expected.names is not None and set(expected.names) != set(classes):
        absent = sorted(set(expected.names) - set(classes))
        strange = sorted(set(classes) - set(expected.names))
        violations.whole(
            f"classes are {', '.join(map(repr, expected.names))}",
            f"missing {absent[:10]!r}, unexpected {strange[:10]!r}",
        )
    for name, count in sorted(classes.items()):
        share = count / total
        found = f"it has {count:,}, {share:.1%}, in the training part"
        if expected.min_rows is not None and count < expected.min_rows:
            violations.whole(f"class {name!r} has at least {expected.min_rows:,} rows", found)
        if expected.min_share is not None and share < expected.min_share:
            violations.whole(f"class {name!r} is at least {expected.min_share:.1%}", found)
        if expected.max_share is not None and share > expected.max_share:
            violations.whole(f"class {name!r} is at most {expected.max_share:.1%}", found)
