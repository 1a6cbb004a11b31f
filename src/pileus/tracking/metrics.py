"""Metrics: points stay in the `metrics` stream; rows hold last, min, max, count per name."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pileus.storage.database import Database
from pileus.storage.transaction import Record, Transaction
from pileus.tracking.errors import MetricNotFound
from pileus.tracking.streams import READ_BYTES, StreamStore
from pileus.tracking.tables import METRIC_MARKS, METRICS

MAX_STEP = 2**62
MAX_NAME_LENGTH = 250
"""As long as MLflow allows."""

MAX_TIME_LENGTH = 40


@dataclass(frozen=True)
class Point:
    """One value of a metric. `time` is ISO 8601 as the attempt wrote it."""

    name: str
    value: float
    step: int
    time: str


class MetricService:
    """Summaries kept up to date as bytes of the stream arrive; points read back on request."""

    def __init__(self, database: Database, streams: StreamStore) -> None:
        self._database = database
        self._streams = streams

    async def append(self, project: str, job: str, attempt: str, offset: int, data: bytes) -> int:
        """Append to the attempt's metric stream; where it now ends."""
        end = await self._streams.append(attempt, "metrics", offset, data)
        await self._summarise(project, job, attempt)
        return end

    async def summaries(self, project: str, job: str) -> list[Record]:
        """Last, min, max, step and count of each metric of a job, by name."""
        return await self._database.read(
            lambda snapshot: snapshot.find(
                METRICS, [("project", "=", project), ("job", "=", job)], order=["name"]
            )
        )

    async def points(self, project: str, attempts: Iterable[str], name: str) -> list[Point]:
        """Every point of one metric over the attempts of a job, in order. Raises MetricNotFound."""
        found: list[Point] = []
        for attempt in attempts:
            data = await self._streams.lines(project, attempt, "metrics")
            found.extend(point for point in parse(data) if point.name == name)
        if not found:
            raise MetricNotFound(
                f"Metric {name!r} not found", hint="List them with `pileus job metrics JOB`."
            )
        return found

    async def _summarise(self, project: str, job: str, attempt: str) -> None:
        """Take in all complete lines that arrived since the last time."""
        while await self._summarise_some(project, job, attempt):
            pass

    async def _summarise_some(self, project: str, job: str, attempt: str) -> bool:
        mark = await self._database.read(
            lambda snapshot: snapshot.get(METRIC_MARKS, attempt=attempt)
        )
        parsed = int(mark["parsed"]) if mark else 0
        chunk = await self._streams.read(project, attempt, "metrics", parsed)
        # The last line may not be complete yet; it is read again with the next bytes.
        complete = chunk.data[: chunk.data.rfind(b"\n") + 1]
        if not complete and len(chunk.data) == READ_BYTES:
            complete = chunk.data  # no point of a metric is that long
        if not complete:
            return False
        points = list(parse(complete))

        def work(transaction: Transaction) -> None:
            now = transaction.get(METRIC_MARKS, attempt=attempt)
            if (int(now["parsed"]) if now else 0) != parsed:
                return  # another request took these bytes
            transaction.put(METRIC_MARKS, {"attempt": attempt, "parsed": parsed + len(complete)})
            by_name: dict[str, list[Point]] = {}
            for point in points:
                by_name.setdefault(point.name, []).append(point)
            for name, values in by_name.items():
                old = transaction.get(METRICS, job=job, name=name)
                transaction.put(
                    METRICS,
                    _merge(old, values)
                    | {
                        "job": job,
                        "name": name,
                        "project": project,
                        "updated_at": transaction.now,
                    },
                )

        await self._database.write(work)
        return True


def parse(data: bytes) -> Iterable[Point]:
    """Points of complete lines; a line that is not one is skipped: user code wrote this file."""
    for line in data.splitlines():
        try:
            raw = json.loads(line)
            point = Point(
                name=_text(raw["name"])[:MAX_NAME_LENGTH],
                value=float(raw["value"]),
                step=max(0, min(int(raw.get("step") or 0), MAX_STEP)),
                time=_text(raw.get("time", ""))[:MAX_TIME_LENGTH],
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            continue
        yield point


def _text(value: object) -> str:
    """`value` as a text that every database and JSON reader can hold. Raises ValueError."""
    text = str(value)
    if "\0" in text:
        raise ValueError("a NUL in a text")
    text.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    return text


def _merge(old: Record | None, points: list[Point]) -> dict[str, Any]:
    finite = [point.value for point in points if math.isfinite(point.value)]
    lows = finite + ([old["min"]] if old and old["min"] is not None else [])
    highs = finite + ([old["max"]] if old and old["max"] is not None else [])
    last = points[-1]
    return {
        # JSON has no NaN or infinity; they travel as words.
        "last": last.value if math.isfinite(last.value) else str(last.value),
        "min": min(lows, default=None),
        "max": max(highs, default=None),
        "step": last.step,
        "count": (old["count"] if old else 0) + len(points),
    }
