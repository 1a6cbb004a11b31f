import pytest

from pileus.data.clean.errors import StepRefused

WIDE = "x,words,y,label\n" + "".join(
    f"{row},some {row} words,{row},{'ab'[row % 2]}\n" for row in range(120)
)


class TestDropColumns:
    @pytest.mark.parametrize("step", [{"texts": True}, {"columns": ["words"]}])
    def test_named_ones_or_those_of_text_go(self, cleaned, step):
        found = cleaned(WIDE, {"step": "drop_columns"} | step)

        assert [column.name for column in found.manifest.columns] == ["x", "y"]
        assert list(found.rows("train")[0]) == ["x", "y", "label"]
        assert found.version.table("train").features.shape[1] == 2

    def test_one_has_to_stay(self, cleaned):
        with pytest.raises(StepRefused, match="No feature column would be left"):
            cleaned(WIDE, {"step": "drop_columns", "columns": ["x", "words", "y"]})
