import pytest

from pileus.data.clean.errors import StepRefused


class TestRenameColumns:
    def test_features_and_label_get_other_names(self, cleaned, numbers):
        found = cleaned(
            numbers, {"step": "rename_columns", "names": {"x": "width", "label": "kind"}}
        )

        assert found.manifest.label == "kind"
        assert [column.name for column in found.manifest.columns] == ["width", "y"]

    def test_two_columns_of_one_name_are_refused(self, cleaned, numbers):
        with pytest.raises(StepRefused, match="'y'"):
            cleaned(numbers, {"step": "rename_columns", "names": {"x": "y"}})
