import numpy as np
import pytest


class TestNormalise:
    @pytest.mark.parametrize("by", ["standard", "minmax", "robust"])
    def test_statistics_are_fitted_on_the_training_part_alone(self, cleaned, numbers, by):
        before, found = cleaned(numbers), cleaned(numbers, {"step": "normalise", "by": by})

        train = np.array([float(cell) for cell in before.column("y")])
        centre, scale = {
            "standard": (train.mean(), train.std()),
            "minmax": (train.min(), np.ptp(train)),
            "robust": (np.median(train), np.subtract(*np.quantile(train, [0.75, 0.25]))),
        }[by]
        fitted = found.step["fitted"]["columns"]["y"]
        assert fitted == pytest.approx({"centre": centre, "scale": scale})
        for split in ("train", "untouched"):
            was = np.array([float(cell) for cell in before.column("y", split)])
            now = [float(cell) for cell in found.column("y", split)]
            assert now == pytest.approx(((was - centre) / scale).tolist(), rel=1e-6, abs=1e-7)
        assert found.manifest.transform["steps"][0]["fitted"] == found.step["fitted"]

    def test_gaps_stay_and_a_column_of_one_value_becomes_zero(self, cleaned):
        lines = [f"5,{'' if row == 3 else row},{'ab'[row % 2]}" for row in range(40)]
        found = cleaned("\n".join(["c,x,label", *lines, ""]), {"step": "normalise"})

        assert set(found.column("c")) == {"0"}
        assert (found.column("x") + found.column("x", "untouched")).count("") == 1
