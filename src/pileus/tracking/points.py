"""Points of metrics, as attempts write them and as columns."""

from __future__ import annotations

import json
import math
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

MAX_STEP = 2**62
MAX_NAME_LENGTH = 250
"""As long as MLflow allows."""

_ITEM_BYTES = 8


@dataclass(frozen=True)
class Point:
    """One value of a metric. `time` is in seconds since 1970, NaN where the line had none."""

    step: int
    value: float
    time: float

    @property
    def moment(self) -> str:
        """The time as ISO 8601; empty where the line had none that a calendar has."""
        try:
            return datetime.fromtimestamp(self.time, UTC).isoformat().replace("+00:00", "Z")
        except (ValueError, OverflowError, OSError):
            return ""


@dataclass(frozen=True)
class Series:
    """Points of one metric in the order in which they were written, a column of each kind."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    times: array[float] = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Point]:
        return map(Point, self.steps, self.values, self.times)

    def extend(self, other: Series) -> None:
        """Add the points of another."""
        self.steps.extend(other.steps)
        self.values.extend(other.values)
        self.times.extend(other.times)

    def select(self, indices: Iterable[int]) -> Series:
        """Some of the points."""
        chosen = list(indices)
        return Series(
            array("q", [self.steps[index] for index in chosen]),
            array("d", [self.values[index] for index in chosen]),
            array("d", [self.times[index] for index in chosen]),
        )

    def encode(self) -> bytes:
        """The columns one after the other, little-endian."""
        return b"".join(_swapped(column).tobytes() for column in self._all)

    @staticmethod
    def decode(data: bytes) -> Series:
        """What `encode` made. Raises ValueError for bytes that are no three columns."""
        if len(data) % (3 * _ITEM_BYTES):
            raise ValueError(f"{len(data)} bytes are no three columns")
        found, third = Series(), len(data) // 3
        for number, column in enumerate(found._all):
            column.frombytes(data[number * third : (number + 1) * third])
            _swap(column)
        return found

    @property
    def _all(self) -> tuple[array[int] | array[float], ...]:
        return (self.steps, self.values, self.times)


class _Line(msgspec.Struct, gc=False):
    name: str
    value: float
    step: int = 0
    time: float | str = math.nan


_DECODER = msgspec.json.Decoder(_Line)


def parse(data: bytes) -> dict[str, Series]:
    """Points of complete lines by name; a line that is not one is skipped: user code wrote it."""
    try:
        lines: Iterable[_Line] = _DECODER.decode_lines(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        lines = _lenient(data)
    by_name: defaultdict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        by_name[line.name].append(line)
    return _named({name: _columns(found) for name, found in by_name.items()})


def _columns(lines: list[_Line]) -> Series:
    # Whole columns: point by point takes twice as long, and the server does little else.
    times = [line.time for line in lines]
    return Series(
        _steps([line.step for line in lines]),
        array("d", [line.value for line in lines]),
        array("d", [_seconds(time) if isinstance(time, str) else time for time in times]),
    )


def _steps(steps: list[int]) -> array[int]:
    if min(steps) < 0 or max(steps) > MAX_STEP:
        steps = [max(0, min(step, MAX_STEP)) for step in steps]
    return array("q", steps)


def _lenient(data: bytes) -> Iterator[_Line]:
    """Line by line, with the words for numbers that are not finite, which JSON does not have."""
    for raw in data.splitlines():
        try:
            line = json.loads(raw)
            time = line.get("time", math.nan)
            yield _Line(
                str(line["name"]),
                float(line["value"]),
                int(line.get("step") or 0),
                time if isinstance(time, str) else float(time),
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            continue


def _named(found: Mapping[str, Series]) -> dict[str, Series]:
    """Without names that not every database and JSON reader can hold; long ones are cut."""
    named: dict[str, Series] = {}
    for name, series in found.items():
        if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
            continue
        short = name[:MAX_NAME_LENGTH]
        if short in named:
            named[short].extend(series)
        else:
            named[short] = series
    return named


def _seconds(text: str) -> float:
    """Of a time in ISO 8601; UTC where it does not say."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan


def thin(series: Series, most: int) -> Series:
    """At most `most` points that draw as all of them would: of each of `most` / 2 runs of
    neighbours the lowest and the highest. All of them when there are no more.

    A value that is not finite counts as the highest, so it is never lost. Keeping the extremes of
    each pixel column is MinMax of Jugel et al., M4: A Visualization-Oriented Time Series Data
    Aggregation (VLDB 2014), here over runs of equally many points.
    """
    count, runs = len(series), max(1, most // 2)
    if count <= most:
        return series
    chosen: list[int] = []
    for run in range(runs):
        start, end = run * count // runs, (run + 1) * count // runs
        chosen += sorted(_extremes(series.values[start:end], start))
    return series.select(chosen)


def _extremes(values: array[float], start: int) -> set[int]:
    # Infinities and NaN survive a sum, and a sum is fast; one that overflows only costs time.
    if not math.isfinite(sum(values)):
        ranks = [value if math.isfinite(value) else math.inf for value in values]
        return {start + ranks.index(min(ranks)), start + ranks.index(max(ranks))}
    return {start + values.index(min(values)), start + values.index(max(values))}


def _swapped(column: array[int] | array[float]) -> array[int] | array[float]:
    if sys.byteorder == "little":
        return column
    copy = column[:]
    copy.byteswap()
    return copy


def _swap(column: array[int] | array[float]) -> None:
    if sys.byteorder == "big":
        column.byteswap()
