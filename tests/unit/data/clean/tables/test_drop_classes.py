import pytest

from pileus.data.errors import ClassesTooFew
from tests.unit.data.clean.tables.test_map_labels import THREE


class TestDropClasses:
    def test_their_rows_go(self, cleaned):
        found = cleaned(THREE, {"step": "drop_classes", "classes": ["Cat"]})

        assert found.manifest.classes == ("cat", "dog")
        assert found.step["rows_out"] == 40

    def test_one_class_alone_is_no_version(self, cleaned):
        with pytest.raises(ClassesTooFew):
            cleaned(THREE, {"step": "drop_classes", "classes": ["Cat", "cat"]})
