import pytest

from pileus.training.schedule import factor


class TestFactor:
    def test_it_rises_to_the_peak_and_falls_to_almost_nothing(self):
        factors = [factor(step, 101) for step in range(101)]

        assert factors[0] == pytest.approx(0.04)
        assert max(factors) == factors[25] == 1.0
        assert factors[:26] == sorted(factors[:26])
        assert factors[25:] == sorted(factors[25:], reverse=True)
        assert factors[-1] < 0.001

    def test_a_single_step_has_a_rate(self):
        assert factor(0, 1) > 0
