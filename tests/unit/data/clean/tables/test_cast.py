import pytest

from pileus.data.clean.errors import StepRefused

MIXED = "code,size,label\n" + "".join(
    f"{row % 3},{'big' if row == 7 else row + 0.6},{'ab'[row % 2]}\n" for row in range(150)
)


class TestCast:
    def test_numbers_become_categories_and_stay_so(self, cleaned):
        step = {"step": "cast", "columns": ["code"], "to": "category"}
        found = cleaned(MIXED, step, {"step": "drop_missing"})

        (code, _) = found.manifest.columns
        assert (code.type, code.values) == ("category", ("0", "1", "2"))

    def test_text_between_numbers_is_refused_or_left_out(self, cleaned):
        step = {"step": "cast", "columns": ["size"], "to": "integer"}
        with pytest.raises(StepRefused, match="'big' of column 'size' is not a number"):
            cleaned(MIXED, step)

        found = cleaned(MIXED, step | {"failing": "missing"})

        assert found.manifest.columns[1].type == "number"
        assert {"", "1"} <= set(found.column("size") + found.column("size", "untouched"))

    def test_too_many_values_are_no_categories(self, cleaned):
        with pytest.raises(StepRefused, match="too many for categories"):
            cleaned(MIXED, {"step": "cast", "columns": ["size"], "to": "category"})
