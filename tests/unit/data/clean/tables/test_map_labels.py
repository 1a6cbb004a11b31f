import pytest

from pileus.data.clean.errors import StepRefused

THREE = "x,label\n" + "".join(f"{row},{('cat', 'Cat', 'dog')[row % 3]}\n" for row in range(60))


class TestMapLabels:
    def test_two_spellings_become_one_class(self, cleaned):
        found = cleaned(THREE, {"step": "map_labels", "labels": {"Cat": "cat"}})

        assert found.manifest.classes == ("cat", "dog")
        assert found.step["changed"] == 20

    def test_a_class_that_is_not_there_is_named(self, cleaned):
        with pytest.raises(StepRefused, match="no class 'cow'") as caught:
            cleaned(THREE, {"step": "map_labels", "labels": {"cow": "dog"}})
        assert "'Cat', 'cat', 'dog'" in str(caught.value.hint)

    def test_a_number_to_predict_has_no_classes(self, cleaned):
        text = "x,label\n" + "".join(f"{row},{row * 1.5}\n" for row in range(60))
        with pytest.raises(StepRefused, match="not a class"):
            cleaned(text, {"step": "map_labels", "labels": {"1.5": "2"}})
