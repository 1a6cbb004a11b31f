"""Ids sort by when they were made, and carry what was put into them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core import ids
from pileus.core.errors import InvalidRequest
from pileus.core.fake_clock import FakeClock


class TestNew:
    def test_ids_of_one_millisecond_still_sort_in_order(self):
        made = ids.Ids(FakeClock(), random.Random(1))

        found = [made.new("job") for _ in range(1000)]

        assert found == sorted(set(found))

    def test_a_clock_that_goes_back_does_not_turn_the_order(self):
        clock = FakeClock()
        made = ids.Ids(clock, random.Random(1))
        before = made.new("job")

        clock.advance(-5)

        assert made.new("job") > before

    def test_time_moves_ids_on(self):
        clock = FakeClock()
        made = ids.Ids(clock)
        first = made.new("job")

        clock.advance(1.5)

        second = made.new("job")
        passed = ids.milliseconds_of(second, "job") - ids.milliseconds_of(first, "job")
        assert passed == 1500


class TestWithBits:
    @given(st.integers(0, 2**ids.RANDOM_BITS - 1))
    def test_the_free_bits_come_back(self, bits: int):
        identifier = ids.Ids(FakeClock()).with_bits("prd", bits)

        assert ids.free_bits(identifier, "prd") == bits
        assert len(identifier) == len("prd_") + 26


class TestDecode:
    @pytest.mark.parametrize("text", ["", "prd_", "job_" + "0" * 26, "prd_" + "u" * 26, "prd_0"])
    def test_what_is_no_id_is_refused_by_name(self, text: str):
        with pytest.raises(InvalidRequest, match="is not an id"):
            ids.decode(text, "prd")
