import math

import numpy as np
import pytest

from pileus.data.profile.numbers import BINS, NumberReader
from pileus.data.profile.sampling import places


def read(values, side="train", batch=1000):
    reader = NumberReader()
    array = np.array(values, dtype=np.float64)
    for start in range(0, len(array), batch):
        part = array[start : start + batch]
        reader.see(places(side, start, len(part)), part)
    return reader


class TestNumbers:
    def test_of_few_are_exact(self):
        numbers = read([1, 2, 3, 4, math.nan]).numbers()

        assert numbers is not None
        assert (numbers.count, numbers.min, numbers.max, numbers.mean) == (4, 1, 4, 2.5)
        assert numbers.std == pytest.approx(np.std([1, 2, 3, 4]))
        assert [numbers.percentiles[p] for p in (0, 50, 100)] == [1, 2.5, 4]
        assert sum(numbers.histogram) == 4
        assert len(numbers.histogram) == BINS

    def test_missing_ones_are_counted(self):
        assert read([math.nan, 1, math.nan]).missing == 2
        assert read([math.nan]).numbers() is None

    def test_of_one_value_have_one_bin(self):
        numbers = read([7, 7, 7]).numbers()

        assert numbers is not None
        assert (numbers.histogram, numbers.std) == ((3,), 0)

    def test_of_two_sides_join_to_those_of_all(self):
        values = np.random.default_rng(1).normal(5, 2, 5000)
        both = read(values[:3000]).joined(read(values[3000:], "untouched")).numbers()

        assert both is not None
        assert both.mean == pytest.approx(values.mean())
        assert both.std == pytest.approx(values.std())
        assert both.percentiles[50] == pytest.approx(np.median(values))

    def test_large_numbers_do_not_overflow(self):
        numbers = read([-3.4e38, 3.4e38]).numbers()

        assert numbers is not None
        assert numbers.std == pytest.approx(3.4e38)
