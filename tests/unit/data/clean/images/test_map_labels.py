import pytest

from pileus.data.clean.errors import StepRefused
from tests.unit.data.build import class_folder


class TestMapLabels:
    def test_classes_are_renamed_and_merged(self, cleaned, pets):
        class_folder(pets, {"puppy": 4}, start=500)

        found = cleaned({"step": "map_labels", "labels": {"puppy": "dog", "cat": "kitten"}})

        assert found.manifest.classes == ("dog", "kitten")
        assert found.step["changed"] == 16

    def test_a_class_that_is_not_there_is_named(self, cleaned):
        with pytest.raises(StepRefused, match="no class 'cow'"):
            cleaned({"step": "map_labels", "labels": {"cow": "dog"}})
