import numpy as np
import pytest

from pileus.data.profile.drift import column_drift, ks_statistic
from pileus.data.profile.numbers import NumberReader
from pileus.data.profile.sampling import places
from pileus.data.profile.schema import CategoryColumn, NumberColumn


def column(values, missing=0):
    reader = NumberReader()
    array = np.array([*values, *[np.nan] * missing], dtype=np.float64)
    reader.see(places("train", 0, len(array)), array)
    return NumberColumn("x", missing, reader.numbers())


def drift(a, b):
    def rows(one):
        return one.missing + (one.numbers.count if one.numbers else 0)

    return column_drift(a, b, rows(a), rows(b))


@pytest.fixture
def rng():
    return np.random.default_rng(5)


class TestOfNumbers:
    def test_equal_distributions_do_not_drift(self, rng):
        found = drift(column(rng.normal(size=5000)), column(rng.normal(size=5000)))

        assert found.level == "none"
        assert found.psi < 0.02

    def test_neither_do_small_samples_of_one(self, rng):
        levels = [
            drift(column(rng.normal(size=150)), column(rng.normal(size=40))).level
            for _ in range(100)
        ]

        assert levels.count("none") >= 98

    def test_a_shift_of_half_a_deviation_is_seen(self, rng):
        found = drift(column(rng.normal(size=5000)), column(rng.normal(0.5, 1, size=5000)))

        # Half a deviation apart, KS of two normals is 2 Phi(0.25) - 1 = 0.197 and PSI 0.25.
        assert found.ks == pytest.approx(0.197, abs=0.03)
        assert found.psi == pytest.approx(0.25, abs=0.05)
        assert found.level in {"moderate", "strong"}

    def test_missing_values_are_a_drift_too(self, rng):
        found = drift(column(rng.normal(size=1000)), column(rng.normal(size=600), missing=400))

        assert found.level == "strong"

    def test_columns_without_any_number_compare(self):
        assert drift(column([], missing=9), column([], missing=5)).psi == 0
        assert drift(column([], missing=900), column([1] * 900)).level == "strong"

    def test_few_distinct_numbers_compare(self):
        a, b = column([0, 1] * 500), column([0] * 100 + [1] * 900)

        assert a.numbers is not None
        assert b.numbers is not None
        assert ks_statistic(a.numbers, b.numbers) == pytest.approx(0.4, abs=0.02)
        assert drift(a, a).psi == 0


class TestOfCategories:
    def test_a_value_that_only_one_has_is_strong(self):
        a = CategoryColumn("c", 0, 1, (("x", 1000),))
        b = CategoryColumn("c", 0, 2, (("x", 500), ("y", 500)))

        assert column_drift(a, b, 1000, 1000).level == "strong"
        assert column_drift(a, a, 1000, 1000).psi == 0
