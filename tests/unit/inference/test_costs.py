import math

import pytest

from pileus.inference.costs import Costs


class TestCosts:
    def test_nothing_is_known_at_first(self):
        assert Costs().of(1) == math.inf

    def test_what_was_seen_is_expected_and_follows_slowly(self):
        costs = Costs()
        costs.saw(1, 0.1)
        costs.saw(1, 1.1)

        assert costs.of(1) == pytest.approx(0.2)

    def test_an_unknown_size_is_in_proportion_to_the_nearest(self):
        costs = Costs()
        costs.saw(1, 0.1)
        costs.saw(32, 0.8)

        assert costs.of(2) == pytest.approx(0.2)
        assert costs.of(64) == pytest.approx(1.6)
        assert costs.of(16) == pytest.approx(0.4)
