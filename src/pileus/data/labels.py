"""Labels: the order of classes, and whether a column asks for classes or for a number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pileus.core.composing import composed
from pileus.data.cells import are_numbers, is_missing, number
from pileus.data.errors import ClassesTooFew, LabelRefused
from pileus.data.schema import Task

MAX_CLASSES = 10_000
_FEW_VALUES = 20
_FEW_SHARE = 0.1
"""A numeric label with more distinct values than both is a quantity, not a class."""

_MANY_VALUES = 100
"""So is one with more than this, in however long a table: counts, prices, ages in days."""

_NAMES = ("label", "target", "class", "y")


def class_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Classes by number if all of them are numbers (2 before 10), else by code points."""
    names = sorted(set(labels))
    values = {name: number(name) for name in names}
    if None in values.values():
        return tuple(names)
    return tuple(sorted(names, key=lambda name: (values[name] or 0.0, name)))


def check_classes(classes: tuple[str, ...], what: str, *, if_many: str) -> None:
    """Raises ClassesTooFew or LabelRefused; `if_many` is the advice against too many classes."""
    if len(classes) < 2:
        raise ClassesTooFew(
            f"{what} has {len(classes)} class ({', '.join(map(repr, classes))}); it needs two",
            hint="Add examples of another class, or point at the data one level up or down.",
        )
    if len(classes) > MAX_CLASSES:
        raise LabelRefused(
            f"{what} has {len(classes):,} classes; {MAX_CLASSES:,} is the most",
            hint=if_many,
        )


def label_column(names: list[str], wanted: str | None) -> tuple[int, str | None]:
    """Index of the label column, and why it is that one unless it was asked for."""
    if wanted is not None:
        name = composed(wanted.strip())
        if name not in names:
            raise LabelRefused(
                f"There is no column {wanted!r}",
                hint=f"Columns: {', '.join(map(repr, names[:50]))}.",
            )
        return names.index(name), None
    lower = [name.lower() for name in names]
    for usual in _NAMES:
        if usual in lower:
            index = lower.index(usual)
            return index, f"Label column is {names[index]!r}, by its name; --label chooses another"
    return len(names) - 1, f"Label column is {names[-1]!r}, the last one; --label chooses another"


def missing_label(place: str, where: str, label: str, unit: str) -> LabelRefused:
    """What is said of a `label` that says nothing; `place` is the file and the row or line."""
    return LabelRefused(
        f"{place}: no label in {where} ({label!r})",
        hint=f"Fill it in or remove the {unit}; --skip-bad passes over it.",
    )


class LabelReader:
    """Sees the label of every row of a table and decides the task."""

    def __init__(self, column: str, where: str, unit: str, wanted: Task | None) -> None:
        self._column = column
        self._where = where
        self._unit = unit
        self._wanted = wanted
        self._codes: dict[str, int] = {}
        self._rows = 0
        self._has_text = False

    @property
    def names(self) -> list[str]:
        """Labels by their codes."""
        return list(self._codes)

    def knows(self, label: str) -> bool:
        """Whether a row has this label."""
        return label in self._codes

    def see(self, line: int, cell: str) -> int:
        """The code of one label. Raises LabelRefused if it is missing, or is not what it must be."""
        label = cell.strip()
        code = self._codes.get(label)
        if code is None:
            code = self._new(line, label)
        self._rows += 1
        return code

    def see_all(self, cells: Sequence[str]) -> list[int] | None:
        """Codes of many labels; None, and nothing is noted, if one has to be seen alone."""
        codes = list(map(self._codes.get, map(str.strip, cells)))
        if None in codes:
            is_full = len(self._codes) > MAX_CLASSES
            if not is_full or not all(map(str.strip, cells)) or not are_numbers(cells):
                return None
            self._rows += len(codes)
            return [-1 if code is None else code for code in codes]
        self._rows += len(codes)
        return [code for code in codes if code is not None]

    def task(self) -> Task:
        """What the labels ask for, or what was wanted. Raises LabelRefused."""
        distinct, rows, wanted = len(self._codes), self._rows, self._wanted
        numeric = not self._has_text
        many = distinct > _MANY_VALUES or distinct > max(_FEW_VALUES, _FEW_SHARE * rows)
        if wanted is None and not numeric and distinct > _MANY_VALUES and distinct * 2 > rows:
            raise LabelRefused(
                f"Column {self._column!r} has {distinct:,} distinct texts in {rows:,} rows,"
                " too many for classes",
                hint="Choose the label column with --label NAME.",
            )
        return wanted or ("regression" if numeric and many else "classification")

    def choice(self, task: Task) -> str | None:
        """Why the task is what it is, if a person might see it otherwise."""
        distinct = len(self._codes)
        if self._has_text or distinct <= _FEW_VALUES:
            return None
        return (
            f"Task is {task}: column {self._column!r} has {distinct:,} distinct numbers;"
            " --task chooses the other"
        )

    def classes(self, task: Task) -> tuple[str, ...] | None:
        """Classes in order; None for a regression. Raises ClassesTooFew or LabelRefused."""
        what = f"Column {self._column!r}"
        if task == "regression":
            if len(self._codes) < 2:
                raise LabelRefused(
                    f"{what} has the same value in every row",
                    hint="Choose the label column with --label NAME.",
                )
            return None
        advice = "Choose another label column with --label."
        check_classes(class_order(self._codes), what, if_many=advice)
        self._refuse_two_spellings()
        return class_order(self._codes)

    def _new(self, line: int, label: str) -> int:
        place = f"{self._where!r}, {self._unit} {line}"
        if is_missing(label):
            raise missing_label(place, f"column {self._column!r}", label, self._unit)
        if not self._has_text and number(label) is None:
            if self._wanted == "regression":
                raise LabelRefused(
                    f"{place}: label {label!r} of column {self._column!r} is not a number",
                    hint="Regression needs numbers; correct it, use --task classification,"
                    " or add --skip-bad to pass over it.",
                )
            self._has_text = True
        code = len(self._codes)
        if code > MAX_CLASSES:
            # Too many for classes already; a regression needs no codes, and memory is bounded.
            return -1
        self._codes[label] = code
        return code

    def _refuse_two_spellings(self) -> None:
        if self._has_text:
            return
        seen: dict[float | None, str] = {}
        for label in self._codes:
            other = seen.setdefault(number(label), label)
            if other != label:
                raise LabelRefused(
                    f"Labels {other!r} and {label!r} of column {self._column!r} are one number",
                    hint="Write equal labels in the same way.",
                )
