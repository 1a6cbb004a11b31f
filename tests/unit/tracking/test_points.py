"""Points: lines that user code wrote, columns, and thinning."""

from __future__ import annotations

import json
import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.tracking.points import MAX_STEP, Series, parse, thin


def line(name="loss", value=1.0, step=0, time="2026-01-01T00:00:00Z"):
    return json.dumps({"name": name, "value": value, "step": step, "time": time}).encode() + b"\n"


def series(values):
    steps = range(len(values))
    return Series(array("q", steps), array("d", values), array("d", steps))


class TestParse:
    @given(st.lists(st.binary(max_size=60)))
    def test_no_bytes_are_too_strange(self, lines):
        parse(b"\n".join(lines))

    @pytest.mark.parametrize(
        "strange",
        [
            line(name="a\0b"),
            line(name="\ud800"),
            b"[" * 100_000,
            b'{"name": "x", "value": 1' + b"0" * 400 + b"}",
            b'{"name": "x", "value": 1, "step": 1e999}',
            b"null",
            b"7",
            b"\xff",
        ],
    )
    def test_a_line_that_cannot_be_kept_is_skipped(self, strange):
        found = parse(strange + b"\n" + line(value=2.0))

        assert {name: list(one.values) for name, one in found.items()} == {"loss": [2.0]}

    def test_words_for_numbers_that_json_has_not(self):
        found = parse(line(value=math.nan) + line(value=-math.inf) + line())["loss"]

        assert str(list(found.values)) == "[nan, -inf, 1.0]"

    def test_times_are_seconds_or_iso(self):
        data = line(time=12.5) + line(time="1970-01-01T00:00:09") + line(time="noon")

        times = list(parse(data)["loss"].times)

        assert times[:2] == [12.5, 9.0]
        assert math.isnan(times[2])

    def test_a_step_is_kept_within_bounds(self):
        found = parse(line(step=-5) + line(step=2**63 - 1) + line(step=2**70))["loss"]

        assert list(found.steps) == [0, MAX_STEP, MAX_STEP]


class TestSeries:
    def test_columns_come_back(self):
        before = series([1.5, math.inf, -3.0])

        after = Series.decode(before.encode())

        assert (after.steps, after.values, after.times) == (
            before.steps,
            before.values,
            before.times,
        )

    def test_bytes_that_are_no_columns(self):
        with pytest.raises(ValueError, match="three columns"):
            Series.decode(b"1234567")


class TestThin:
    @given(st.lists(st.floats(), min_size=1, max_size=300), st.integers(2, 40))
    def test_extremes_order_and_size(self, values, most):
        found = thin(series(values), most)

        assert len(found) <= max(most, 1)
        assert list(found.steps) == sorted(set(found.steps))
        finite = [value for value in values if math.isfinite(value)]
        if finite:
            assert min(finite) in found.values
        if len(finite) == len(values):
            assert max(finite) in found.values
        else:
            assert not all(map(math.isfinite, found.values)), "what is not finite is never lost"

    def test_few_points_stay_as_they_are(self):
        assert thin(series([1.0, 2.0]), 2) == series([1.0, 2.0])
