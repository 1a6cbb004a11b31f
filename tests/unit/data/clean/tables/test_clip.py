import pytest


@pytest.fixture
def far():
    """A hundred ordinary numbers and two that lie far out."""
    lines = [f"{row % 50},{'ab'[row % 2]},{row}" for row in range(100)]
    return "\n".join(["x,label,n", *lines, "5000,a,101", "-5000,b,102", ""])


class TestClip:
    @pytest.mark.parametrize(
        "step",
        [
            {"by": "quantile", "lower": 0.05, "upper": 0.95},
            {"by": "iqr"},
            {"by": "zscore", "factor": 1},
        ],
    )
    def test_numbers_beyond_a_bound_come_to_it(self, cleaned, far, step):
        found = cleaned(far, {"step": "clip", "columns": ["x"]} | step)

        low, high = found.step["fitted"]["bounds"]["x"]
        cells = found.column("x") + found.column("x", "untouched")
        assert min(map(float, cells)) == pytest.approx(low)
        assert max(map(float, cells)) == pytest.approx(high)
        assert -5000 < low < high < 5000
        assert found.step["changed"] >= 2
