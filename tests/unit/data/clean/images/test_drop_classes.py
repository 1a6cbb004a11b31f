from tests.unit.data.build import class_folder


class TestDropClasses:
    def test_their_images_go(self, cleaned, pets):
        class_folder(pets, {"cow": 4}, start=500)

        found = cleaned({"step": "drop_classes", "classes": ["cow"]})

        assert found.manifest.classes == ("cat", "dog")
        assert found.step["rows_out"] == 24
