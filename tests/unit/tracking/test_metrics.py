"""Metrics: a file that user code wrote, line by line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.tracking import metrics as module
from pileus.tracking import streams as streams_module
from pileus.tracking.metrics import MetricService, parse


def line(name="loss", value=1.0, step=0, time="2026-01-01T00:00:00Z"):
    return json.dumps({"name": name, "value": value, "step": step, "time": time}).encode() + b"\n"


@pytest.fixture
def metrics(database, streams):
    return MetricService(database, streams)


async def summary(metrics):
    return {m["name"]: dict(m) for m in await metrics.summaries("prj_1", "job_1")}


class TestParse:
    @given(st.lists(st.binary(max_size=60)))
    def test_no_bytes_are_too_strange(self, lines):
        list(parse(b"\n".join(lines)))

    @pytest.mark.parametrize(
        "strange",
        [
            line(name="a\0b"),
            line(name="\ud800"),
            line(time="\ud800"),
            b"[" * 100_000,
            b'{"name": "x", "value": 1' + b"0" * 400 + b"}",
            b'{"name": "x", "value": 1, "step": 1e999}',
            b"null",
        ],
    )
    def test_a_line_that_cannot_be_kept_is_skipped(self, strange):
        assert [point.name for point in parse(strange + b"\n" + line())] == ["loss"]


class TestAppend:
    async def test_a_line_cut_in_two_counts_once(self, metrics):
        whole = line(value=0.5) + line(value=0.25, step=1)

        for cut in (7, len(whole) - 3, len(whole)):
            await metrics.append("prj_1", "job_1", "att_1", 0, whole[:cut])

        found = (await summary(metrics))["loss"]
        assert (found["last"], found["min"], found["max"], found["count"]) == (0.25, 0.25, 0.5, 2)

    async def test_values_that_are_no_numbers_travel_as_words(self, metrics):
        await metrics.append("prj_1", "job_1", "att_1", 0, line() + line(value=float("nan")))

        found = (await summary(metrics))["loss"]
        assert (found["last"], found["min"]) == ("nan", 1.0)

    async def test_more_than_one_read_is_taken_in_at_once(self, metrics, monkeypatch):
        for place in (module, streams_module):
            monkeypatch.setattr(place, "READ_BYTES", 200)
        data = b"".join(line(step=step) for step in range(50))

        await metrics.append("prj_1", "job_1", "att_1", 0, data)

        assert (await summary(metrics))["loss"]["count"] == 50

    async def test_an_endless_line_does_not_stop_what_follows(self, metrics, monkeypatch):
        for place in (module, streams_module):
            monkeypatch.setattr(place, "READ_BYTES", 200)

        await metrics.append("prj_1", "job_1", "att_1", 0, b"x" * 1000 + b"\n" + line())

        assert (await summary(metrics))["loss"]["count"] == 1

    async def test_another_project_sees_no_summary(self, metrics):
        await metrics.append("prj_1", "job_1", "att_1", 0, line())

        assert await metrics.summaries("prj_2", "job_1") == []
