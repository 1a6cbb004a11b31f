import statistics
from typing import Any

import numpy as np
import pytest

from pileus.data.clean.errors import StepRefused
from pileus.data.load import open_version
from tests.unit.data.build import ingested
from tests.unit.data.clean.building import Cleaned


@pytest.fixture
def divided(tmp_path):
    """A version whose sides are given: red leads where it is trained on, blue on the whole."""
    sides = {"train": ["red"] * 10 + ["blue"] * 6 + [""] * 4, "test": ["blue"] * 18 + [""] * 2}
    arrays: dict[str, Any] = {}
    for side, colours in sides.items():
        arrays[f"x_{side}"] = np.array([(f"{side} {n}", one) for n, one in enumerate(colours)])
        arrays[f"y_{side}"] = np.arange(20) % 2
    np.savez(tmp_path / "t.npz", feature_names=["name", "colour"], **arrays)
    return open_version(ingested(tmp_path / "t.npz", tmp_path / "made").blobs[-1].path.parent)


class TestImpute:
    @pytest.mark.parametrize("using", ["mean", "median"])
    def test_gaps_get_the_statistic_of_the_training_part(self, cleaned, numbers, using):
        before = cleaned(numbers)
        found = cleaned(numbers, {"step": "impute", "using": using})

        known = [float(cell) for cell in before.column("x") if cell]
        wanted = getattr(statistics, using)(known)
        for split in ("train", "untouched"):
            pairs = zip(before.column("x", split), found.column("x", split), strict=True)
            assert all(
                float(new) == pytest.approx(wanted) if not old else new == old for old, new in pairs
            )
        assert found.step["fitted"] == {
            "values": {"x": f"{wanted:.9g}", "y": found.step["fitted"]["values"]["y"]}
        }
        assert found.step["changed"] == 6

    def test_the_most_frequent_value_suits_categories_too(self, cleaned):
        lines = [
            f"{row},{'' if row % 5 == 0 else 'red' if row % 3 else 'blue'},{'ab'[row % 2]}"
            for row in range(60)
        ]
        found = cleaned(
            "\n".join(["x,colour,label", *lines, ""]), {"step": "impute", "using": "most_frequent"}
        )

        assert found.step["fitted"]["values"]["colour"] == "red"
        assert "" not in found.column("colour") + found.column("colour", "untouched")

    def test_the_most_frequent_value_is_that_of_the_training_part(self, divided, tmp_path):
        step = {"step": "impute", "using": "most_frequent", "columns": ["colour"]}

        found = Cleaned(tmp_path / "cleaned", divided, [step])

        assert found.step["fitted"] == {"values": {"colour": "red"}}
        assert found.column("colour") == ["red"] * 10 + ["blue"] * 6 + ["red"] * 4
        assert found.column("colour", "untouched") == ["blue"] * 18 + ["red"] * 2

    def test_a_constant_is_written_as_given(self, cleaned, numbers):
        found = cleaned(
            numbers, {"step": "impute", "using": "constant", "value": -1, "columns": ["x"]}
        )

        assert found.column("x").count("-1") + found.column("x", "untouched").count("-1") == 6
        assert found.step["fitted"] == {"values": {"x": "-1"}}

    def test_the_label_and_columns_of_another_type_are_refused(self, cleaned, numbers):
        for columns, what in ((["label"], "is the label"), (["nope"], "no column 'nope'")):
            with pytest.raises(StepRefused, match=what):
                cleaned(numbers, {"step": "impute", "columns": columns})
