"""Metrics: a file that user code wrote becomes summaries, segments and figures."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest

from pileus.tracking import metric_segments
from pileus.tracking import metrics as module
from pileus.tracking import streams as streams_module
from pileus.tracking.errors import MetricNotFound
from pileus.tracking.metrics import MetricService
from pileus.tracking.tables import METRIC_SEGMENTS


def line(name="loss", value=1.0, step=0, time="2026-01-01T00:00:00Z"):
    return json.dumps({"name": name, "value": value, "step": step, "time": time}).encode() + b"\n"


class Account:
    def __init__(self):
        self.digests = []

    def add(self, transaction, project, digest, size):
        self.digests.append(digest)


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def metrics(database, streams, account):
    return MetricService(database, streams, streams._blobs, account)


async def summary(metrics):
    return {m["name"]: dict(m) for m in await metrics.summaries("prj_1", "job_1")}


async def append(metrics, data, offset=0, attempt="att_1"):
    return await metrics.append("prj_1", "job_1", attempt, offset, data)


async def values(metrics, name="loss", most=1000, attempts=("att_1",)):
    shown = await metrics.points("prj_1", "job_1", attempts, name, most)
    return list(shown.series.values)


async def segments(database):
    return await database.read(lambda snapshot: snapshot.find(METRIC_SEGMENTS, order=["start"]))


class TestAppend:
    async def test_a_line_cut_in_two_counts_once(self, metrics):
        whole = line(value=0.5) + line(value=0.25, step=1)

        for cut in (7, len(whole) - 3, len(whole)):
            await append(metrics, whole[:cut])

        found = (await summary(metrics))["loss"]
        assert (found["last"], found["min"], found["max"], found["count"]) == (0.25, 0.25, 0.5, 2)

    async def test_values_that_are_no_numbers_travel_as_words(self, metrics):
        await append(metrics, line() + line(value=float("nan")))

        found = (await summary(metrics))["loss"]
        assert (found["last"], found["min"]) == ("nan", 1.0)

    async def test_more_than_one_read_is_taken_in_at_once(self, metrics, monkeypatch):
        for place in (module, streams_module):
            monkeypatch.setattr(place, "READ_BYTES", 200)
        data = b"".join(line(step=step) for step in range(50))

        await append(metrics, data)

        assert (await summary(metrics))["loss"]["count"] == 50

    async def test_an_endless_line_does_not_stop_what_follows(self, metrics, monkeypatch):
        for place in (module, streams_module):
            monkeypatch.setattr(place, "READ_BYTES", 200)

        await append(metrics, b"x" * 1000 + b"\n" + line())

        assert (await summary(metrics))["loss"]["count"] == 1

    async def test_another_project_sees_no_summary(self, metrics):
        await append(metrics, line())

        assert await metrics.summaries("prj_2", "job_1") == []

    async def test_segments_are_cut_as_there_is_enough_and_paid_for(
        self, metrics, database, account, monkeypatch
    ):
        monkeypatch.setattr(module, "SEGMENT_BYTES", 500)
        data = b"".join(line(step=step) for step in range(20))

        await append(metrics, data[:700])
        await append(metrics, data[700:], 700)

        found = await segments(database)
        assert found[0]["start"] == 0
        assert all(a["end"] == b["start"] for a, b in pairwise(found))
        assert [one["digest"] for one in found] == account.digests
        assert len(found) >= 2


class TestSeal:
    async def test_all_points_are_there_when_the_stream_is_gone(self, metrics, streams, database):
        await append(metrics, line(value=2.0) + line(value=3.0) + b'{"name": "lo')

        await metrics.seal("prj_1", "job_1", "att_1")
        await metrics.seal("prj_1", "job_1", "att_1")
        await streams.drop("att_1")

        assert len(await segments(database)) == 1
        assert await values(metrics) == [2.0, 3.0]

    async def test_what_arrived_before_a_kill_is_taken_in(self, metrics, streams):
        await streams.append("att_1", "metrics", 0, line(value=7.0))

        await metrics.seal("prj_1", "job_1", "att_1")

        assert (await summary(metrics))["loss"]["last"] == 7.0

    async def test_nothing_makes_no_segment(self, metrics, database):
        await metrics.seal("prj_1", "job_1", "att_1")

        assert await segments(database) == []


class TestPoints:
    async def test_segments_and_what_is_in_none_yet_are_one_series(self, metrics, monkeypatch):
        monkeypatch.setattr(module, "SEGMENT_BYTES", 500)
        await append(metrics, b"".join(line(value=float(n), step=n) for n in range(30)))
        await append(metrics, line("acc", 0.5) + line(value=99.0), attempt="att_2")

        assert await values(metrics, attempts=("att_1", "att_2")) == [*map(float, range(30)), 99.0]
        assert await values(metrics, "acc", attempts=("att_1", "att_2")) == [0.5]

    async def test_thinned_copies_keep_the_lowest_and_the_highest(self, metrics, monkeypatch):
        monkeypatch.setattr(module, "SEGMENT_BYTES", 100_000)
        draw = random.Random(7)
        drawn = [draw.random() for _ in range(9000)]
        drawn[4321], drawn[1234] = 50.0, -50.0
        await append(metrics, b"".join(line(value=one, step=n) for n, one in enumerate(drawn)))
        read = []
        real = metric_segments.read

        async def spied(*arguments, is_thinned):
            read.append(is_thinned)
            return await real(*arguments, is_thinned=is_thinned)

        monkeypatch.setattr(metric_segments, "read", spied)

        shown = await metrics.points("prj_1", "job_1", ["att_1"], "loss", 20)

        assert shown.count == 9000
        assert len(shown.series) <= 20
        assert {50.0, -50.0} <= set(shown.series.values)
        assert list(shown.series.steps) == sorted(shown.series.steps)
        assert set(read) == {True}

    async def test_another_project_or_name_is_not_found(self, metrics):
        await append(metrics, line())

        with pytest.raises(MetricNotFound):
            await metrics.points("prj_2", "job_1", ["att_1"], "loss", 10)
        with pytest.raises(MetricNotFound):
            await metrics.csv("prj_1", "job_1", ["att_1"], "other")


class TestCsv:
    async def test_every_point_is_a_line(self, metrics):
        await append(metrics, line(value=0.5, step=3) + line(value=float("inf"), time="?"))

        parts = await metrics.csv("prj_1", "job_1", ["att_1"], "loss")

        assert b"".join([part async for part in parts]) == (
            b"step,value,time\n3,0.5,2026-01-01T00:00:00Z\n0,Infinity,\n"
        )
