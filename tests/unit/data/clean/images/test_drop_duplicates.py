import pytest

from pileus.data.clean.errors import StepRefused


class TestDropDuplicates:
    def test_equal_files_of_one_class_go_and_those_of_another_stay(self, cleaned, pets):
        cat = (pets / "cat" / "0.png").read_bytes()
        (pets / "cat" / "again.png").write_bytes(cat)
        (pets / "dog" / "cat.png").write_bytes(cat)

        found = cleaned({"step": "drop_duplicates"})

        assert (found.step["rows_in"], found.step["rows_out"]) == (26, 25)

    def test_columns_are_for_tables(self, cleaned):
        with pytest.raises(StepRefused, match="no columns"):
            cleaned({"step": "drop_duplicates", "columns": ["x"]})
