import pytest

from pileus.core.schemas.expectations import Expectations
from pileus.data.clean.errors import ExpectationViolated, StepRefused
from pileus.data.clean.expecting.checking import IMAGE_COLUMNS, check_images, check_table
from pileus.data.clean.expecting.violations import Violations
from pileus.data.clean.images import stage as images
from pileus.data.clean.tables import stage as tables
from tests.unit.data.build import class_folder, png
from tests.unit.data.clean.building import folder, table

LINES = "id,age,size,label\n" + "".join(
    f"p{row},{'' if row == 7 else row - 1},{row + (0.5 if row == 9 else 0)},{'abb'[row % 3]}\n"
    for row in range(60)
)


@pytest.fixture
def found(tmp_path):
    """What is violated of these expectations: words → count."""

    def look(expect, text=LINES):
        stage = tables.opened(table(tmp_path / "table", text))
        with Violations(tmp_path / "failing.csv", stage.names) as violations:
            check_table(Expectations.model_validate(expect), stage, violations)
        return {one["expectation"]: one["count"] for one in violations.documents()}

    return look


class TestCheckTable:
    @pytest.mark.parametrize(
        "expect,violated",
        [
            ({"columns": {"age": {"min": 0, "max": 100}}}, {"'age' is at least 0": 1}),
            ({"columns": {"age": {"max": 57}}}, {"'age' is at most 57": 1}),
            ({"columns": {"age": {"not_null": True}}}, {"'age' is not null": 1}),
            ({"columns": {"size": {"type": "integer"}}}, {"'size' is a whole number": 1}),
            ({"columns": {"id": {"type": "number"}}}, {"'id' is a number": 60}),
            ({"columns": {"size": {"type": "category"}}}, {"'size' is of type category": 1}),
            ({"columns": {"id": {"pattern": r"p\d"}}}, {r"'id' matches p\d": 50}),
            ({"columns": {"label": {"allowed": ["a"]}}}, {"'label' is one of 'a'": 40}),
            ({"columns": {"label": {"unique": True}}}, {"'label' is unique": 58}),
            ({"min_rows": 100}, {"at least 100 rows": 1}),
            ({"max_missing": 0.01}, {"at most 1.0% of 'age' missing": 1}),
            ({"max_missing": 0.02, "min_rows": 60}, {}),
            ({"columns": {"id": {"unique": True, "pattern": r"p\d+", "not_null": True}}}, {}),
            ({"columns": {"age": {"type": "number", "min": -1, "max": 58, "unique": True}}}, {}),
        ],
    )
    def test_each_expectation_counts_the_rows_it_fails_for(self, found, expect, violated):
        assert found(expect) == violated

    def test_classes_are_judged_by_the_training_part(self, found):
        assert found({"classes": {"min_share": 0.4, "max_share": 0.6}}).keys() == {
            "class 'a' is at least 40.0%",
            "class 'b' is at most 60.0%",
        }
        assert found({"classes": {"names": ["a"], "min_rows": 30}}).keys() == {
            "classes are 'a'",
            "class 'a' has at least 30 rows",
        }

    def test_a_column_that_is_not_there_is_an_error_of_the_spec(self, found):
        with pytest.raises(StepRefused, match="no column 'nope'"):
            found({"columns": {"nope": {"not_null": True}}})

    def test_classes_of_a_number_are_an_error_of_the_spec(self, found):
        text = "x,label\n" + "".join(f"{row},{row * 1.5}\n" for row in range(60))
        with pytest.raises(StepRefused, match="no classes"):
            found({"classes": {"min_rows": 1}}, text)


class TestCheckImages:
    def test_the_image_is_named(self, tmp_path):
        root = class_folder(tmp_path / "pets", {"cat": 5, "dog": 5})
        (root / "cat" / "huge.png").write_bytes(png(77, (40, 40)))
        stage = images.opened(folder(tmp_path, root))
        expected = Expectations.model_validate({"images": {"max_width": 20, "modes": ["RGB"]}})

        with Violations(tmp_path / "failing.csv", IMAGE_COLUMNS) as violations:
            check_images(expected, stage, violations)

        with pytest.raises(ExpectationViolated, match=r"cat/huge\.png of \w+: '40'"):
            violations.raise_if_any()
        assert [one["expectation"] for one in violations.documents()] == ["'width' is at most 20"]
