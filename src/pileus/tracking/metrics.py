"""Metrics: bytes of the `metrics` stream become summaries in rows and segments in blobs.

A row says how far a stream was read, another where each segment begins and ends in it, so whatever is
killed when, each point counts once. What no segment has yet is read from the stream.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pileus.core.failpoints import failpoint
from pileus.storage.blob import BlobStore
from pileus.storage.database import Database
from pileus.storage.transaction import Record, Snapshot, Transaction
from pileus.tracking import metric_segments
from pileus.tracking.errors import MetricNotFound
from pileus.tracking.live import READ_BYTES
from pileus.tracking.metric_segments import RUN_POINTS
from pileus.tracking.points import Series, parse, thin
from pileus.tracking.streams import StreamStore
from pileus.tracking.tables import METRIC_MARKS, METRIC_SEGMENTS, METRICS

SEGMENT_BYTES = 4 * 1024 * 1024
"""Of a stream in one segment, some 60,000 points: parsing what has none yet takes some 30 ms."""

CSV_HEADER = b"step,value,time\n"


class Account(Protocol):
    """Whoever keeps account of stored blobs."""

    def add(self, transaction: Transaction, project: str, digest: str, size: int) -> None:
        """A blob was stored."""
        ...


@dataclass(frozen=True)
class Shown:
    """Points of one metric over the attempts of a job: all `count` of them, or a thinned copy."""

    series: Series
    count: int


class MetricService:
    """Takes in what attempts report; answers with a summary, a figure's points, or all."""

    def __init__(
        self, database: Database, streams: StreamStore, blobs: BlobStore, account: Account
    ) -> None:
        self._database = database
        self._streams = streams
        self._blobs = blobs
        self._account = account

    async def append(self, project: str, job: str, attempt: str, offset: int, data: bytes) -> int:
        """Append to the attempt's metric stream; where it now ends."""
        end = await self._streams.append(attempt, "metrics", offset, data)
        await self._take_in(project, job, attempt)
        await self._cut(project, attempt, at_least=SEGMENT_BYTES)
        return end

    async def seal(self, project: str, job: str, attempt: str) -> None:
        """Store all of an attempt's points in segments; its stream is then of no use."""
        if not await self._streams.is_live(attempt, "metrics"):
            return  # it has reported none, as most short jobs
        await self._take_in(project, job, attempt)
        await self._cut(project, attempt, at_least=1)

    async def summaries(self, project: str, job: str) -> list[Record]:
        """Last, min, max, step and count of each metric of a job, by name."""
        return await self._database.read(
            lambda snapshot: snapshot.find(
                METRICS, [("project", "=", project), ("job", "=", job)], order=["name"]
            )
        )

    async def points(
        self, project: str, job: str, attempts: Iterable[str], name: str, most: int
    ) -> Shown:
        """At most `most` points of one metric, thinned as by `thin`. Raises MetricNotFound."""
        count = await self._count(project, job, name)
        # Where a run of the figure is longer than one of the segments, their copies will do.
        is_thinned = count * 2 >= most * RUN_POINTS
        found = Series()
        async for part in self._parts(project, attempts, name, is_thinned=is_thinned):
            found.extend(part)
        return Shown(await asyncio.to_thread(thin, found, most), count)

    async def csv(
        self, project: str, job: str, attempts: Iterable[str], name: str
    ) -> AsyncIterator[bytes]:
        """Every point as lines of CSV, a part at a time. Raises MetricNotFound, at once."""
        await self._count(project, job, name)
        return self._csv(project, attempts, name)

    async def _csv(self, project: str, attempts: Iterable[str], name: str) -> AsyncIterator[bytes]:
        yield CSV_HEADER
        async for part in self._parts(project, attempts, name, is_thinned=False):
            yield await asyncio.to_thread(_lines, part)

    async def _count(self, project: str, job: str, name: str) -> int:
        row = await self._database.read(lambda snapshot: snapshot.get(METRICS, job=job, name=name))
        if row is None or row["project"] != project:
            raise MetricNotFound(
                f"Metric {name!r} not found", hint=f"List them with `pileus job metrics {job}`."
            )
        return int(row["count"])

    async def _parts(
        self, project: str, attempts: Iterable[str], name: str, *, is_thinned: bool
    ) -> AsyncIterator[Series]:
        for attempt in attempts:
            segments = await self._segments(attempt)
            for segment in segments:
                yield await metric_segments.read(
                    self._blobs, project, segment["digest"], name, is_thinned=is_thinned
                )
            async for piece in self._since(project, attempt, _end(segments)):
                parsed = await asyncio.to_thread(parse, piece)
                yield parsed.get(name, Series())

    async def _segments(self, attempt: str) -> list[Record]:
        return await self._database.read(lambda snapshot: _segments_of(snapshot, attempt))

    async def _since(self, project: str, attempt: str, start: int) -> AsyncIterator[bytes]:
        """Complete lines of the stream that no segment has."""
        while complete := await self._complete(project, attempt, start):
            yield complete
            start += len(complete)

    async def _complete(self, project: str, attempt: str, start: int) -> bytes:
        chunk = await self._streams.read(project, attempt, "metrics", start)
        # The last line may not be complete yet; it is read again with the next bytes.
        complete = chunk.data[: chunk.data.rfind(b"\n") + 1]
        if not complete and len(chunk.data) == READ_BYTES:
            complete = chunk.data  # no point of a metric is that long
        return complete

    async def _take_in(self, project: str, job: str, attempt: str) -> None:
        """Sum up all complete lines that arrived since the last time."""
        while await self._take_in_some(project, job, attempt):
            pass

    async def _take_in_some(self, project: str, job: str, attempt: str) -> bool:
        parsed = await self._parsed(attempt)
        complete = await self._complete(project, attempt, parsed)
        if not complete:
            return False
        series = await asyncio.to_thread(parse, complete)

        def work(transaction: Transaction) -> None:
            now = transaction.get(METRIC_MARKS, attempt=attempt)
            if (int(now["parsed"]) if now else 0) != parsed:
                return  # another request took these bytes
            transaction.put(METRIC_MARKS, {"attempt": attempt, "parsed": parsed + len(complete)})
            for name, points in series.items():
                old = transaction.get(METRICS, job=job, name=name)
                row = {
                    "job": job,
                    "name": name,
                    "project": project,
                    "updated_at": transaction.now,
                }
                transaction.put(METRICS, row | _merged(old, points))

        await self._database.write(work)
        return True

    async def _cut(self, project: str, attempt: str, *, at_least: int) -> None:
        """Make segments of what was taken in, while there is enough of it."""
        while True:
            start = _end(await self._segments(attempt))
            if await self._parsed(attempt) - start < at_least:
                return
            await self._cut_one(project, attempt, start)

    async def _cut_one(self, project: str, attempt: str, start: int) -> None:
        parsed, end, series = await self._parsed(attempt), start, dict[str, Series]()
        async for piece in self._since(project, attempt, start):
            for name, points in (await asyncio.to_thread(parse, piece)).items():
                series.setdefault(name, Series()).extend(points)
            end += len(piece)
            if end >= min(parsed, start + SEGMENT_BYTES):
                break
        data = await asyncio.to_thread(metric_segments.encode, series)
        digest = await self._blobs.put_bytes(project, data)
        failpoint("metric_segment.stored")

        def work(transaction: Transaction) -> None:
            if _end(_segments_of(transaction, attempt)) != start:
                return  # another request made it
            segment = {"attempt": attempt, "start": start, "end": end, "project": project}
            transaction.insert(METRIC_SEGMENTS, segment | {"digest": digest, "size": len(data)})
            self._account.add(transaction, project, digest, len(data))

        await self._database.write(work)

    async def _parsed(self, attempt: str) -> int:
        mark = await self._database.glance(
            lambda snapshot: snapshot.get(METRIC_MARKS, attempt=attempt)
        )
        return int(mark["parsed"]) if mark else 0


def _segments_of(snapshot: Snapshot, attempt: str) -> list[Record]:
    return snapshot.find(METRIC_SEGMENTS, [("attempt", "=", attempt)], order=["start"])


def _end(segments: Sequence[Record]) -> int:
    """Where in the stream the part begins that no segment has."""
    return int(segments[-1]["end"]) if segments else 0


def _merged(old: Record | None, points: Series) -> dict[str, Any]:
    finite = [value for value in points.values if math.isfinite(value)]
    lows = finite + ([old["min"]] if old and old["min"] is not None else [])
    highs = finite + ([old["max"]] if old and old["max"] is not None else [])
    last = points.values[-1]
    return {
        # JSON has no NaN or infinity; they travel as words.
        "last": last if math.isfinite(last) else str(last),
        "min": min(lows, default=None),
        "max": max(highs, default=None),
        "step": points.steps[-1],
        "count": (old["count"] if old else 0) + len(points),
    }


def _lines(series: Series) -> bytes:
    return "".join(
        f"{point.step},{json.dumps(point.value)},{point.moment}\n" for point in series
    ).encode()
