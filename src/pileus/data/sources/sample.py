"""
The real data sets that come with scikit-learn, read from its files without importing it.

Importing scikit-learn takes a second and a hundred megabytes; its files take neither.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pileus.data.errors import SampleUnknown
from pileus.data.image_facts import Facts
from pileus.data.sources.reading import reading
from pileus.data.sources.source import ImageSource, Row, SourceImage, TableSource

PREFIX = "sample:"
TARGET = "target"
_DIGIT_SIDE = 8
_MEASURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)


@dataclass(frozen=True)
class _Table:
    file: str
    columns: tuple[str, ...]
    classes: tuple[str, ...]


TABLES = {
    "breast-cancer": _Table(
        "breast_cancer.csv",
        (
            *(f"mean {measure}" for measure in _MEASURES),
            *(f"{measure} error" for measure in _MEASURES),
            *(f"worst {measure}" for measure in _MEASURES),
        ),
        ("malignant", "benign"),
    ),
    "wine": _Table(
        "wine_data.csv",
        (
            "alcohol",
            "malic_acid",
            "ash",
            "alcalinity_of_ash",
            "magnesium",
            "total_phenols",
            "flavanoids",
            "nonflavanoid_phenols",
            "proanthocyanins",
            "color_intensity",
            "hue",
            "od280/od315_of_diluted_wines",
            "proline",
        ),
        ("class_0", "class_1", "class_2"),
    ),
    "iris": _Table(
        "iris.csv",
        ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
        ("setosa", "versicolor", "virginica"),
    ),
}
_DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")

NAMES = ("digits", *TABLES, "diabetes")


def open_sample(source: str, folder: Path | None = None) -> ImageSource | TableSource:
    """The sample called `sample:NAME`. Raises SampleUnknown."""
    name = source.removeprefix(PREFIX)
    if name not in NAMES:
        raise SampleUnknown(
            f"There is no sample {name!r}",
            hint=f"Samples: {', '.join(PREFIX + one for one in NAMES)}.",
        )
    folder = folder or _folder()
    if name == "digits":
        return Digits(folder / "digits.csv.gz")
    if name == "diabetes":
        return Diabetes(folder)
    return LabelledTable(name, TABLES[name], folder)


class Digits:
    """1,797 handwritten digits of 8 x 8 pixels, as PGM."""

    kind: Literal["images"] = "images"
    name = "sample:digits"
    total = 1797

    def __init__(self, path: Path) -> None:
        self.notices: list[str] = []
        self._path = path

    def images(self) -> Iterator[SourceImage]:
        facts = Facts("L", _DIGIT_SIDE, _DIGIT_SIDE)
        for number, cells in enumerate(_csv(self._path), start=1):
            *levels, label = (int(float(cell)) for cell in cells)
            # 0..16 becomes 0..255, half a step rounded up.
            pixels = bytes((level * 255 + 8) // 16 for level in levels)
            data = b"P5\n8 8\n255\n" + pixels
            sha256 = hashlib.sha256(data).hexdigest()
            yield SourceImage(f"images/{number:05d}.pgm", str(label), data, sha256, facts, None)


class LabelledTable:
    """A table whose last column is the number of a class."""

    kind: Literal["table"] = "table"
    label: str | None = TARGET
    unit: Literal["line", "row"] = "line"

    def __init__(self, name: str, table: _Table, folder: Path) -> None:
        self.name = PREFIX + name
        self._table = table
        self._path = folder / table.file

    def rows(self) -> Iterator[Row]:
        yield Row(1, [*self._table.columns, TARGET])
        lines = _csv(self._path)
        next(lines)  # how many rows and columns, and the classes
        for line, (*cells, code) in enumerate(lines, start=2):
            yield Row(line, [*map(_plain, cells), self._table.classes[int(float(code))]])


class Diabetes:
    """442 patients, ten measures, progression of the disease a year later."""

    kind: Literal["table"] = "table"
    name = "sample:diabetes"
    label: str | None = TARGET
    unit: Literal["line", "row"] = "line"

    def __init__(self, folder: Path) -> None:
        self._data = folder / "diabetes_data_raw.csv.gz"
        self._target = folder / "diabetes_target.csv.gz"

    def rows(self) -> Iterator[Row]:
        yield Row(1, [*_DIABETES, TARGET])
        pairs = zip(_csv(self._data, " "), _csv(self._target), strict=True)
        for line, (cells, target) in enumerate(pairs, start=2):
            yield Row(line, [_plain(cell) for cell in (*cells, *target)])


def _folder() -> Path:
    found = importlib.util.find_spec("sklearn")
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / "datasets" / "data"
        if folder.is_dir():
            return folder
    raise SampleUnknown(
        "The samples are part of scikit-learn, which is not installed",
        hint="Install it with: pip install 'pileus[samples]'",
    )


def _csv(path: Path, delimiter: str = ",") -> Iterator[list[str]]:
    with reading(path, path.name) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        yield from csv.reader(text, delimiter=delimiter, skipinitialspace=True)


def _plain(cell: str) -> str:
    """One way to write a number, whichever way this release of scikit-learn wrote it."""
    return repr(float(cell)).removesuffix(".0")
