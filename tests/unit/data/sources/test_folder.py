import pytest

from pileus.data.errors import ImageDamaged, ImageTooLarge
from pileus.data.sources import folder, reading
from pileus.data.sources.folder import ClassFolder
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import class_folder, png


def opened(root):
    return ClassFolder.of(root, root.name, SourceOptions(root))


class TestImages:
    def test_come_in_the_order_of_their_paths(self, tmp_path):
        source = opened(class_folder(tmp_path, {"b": 12, "a": 30}))

        paths = [image.path for image in source.images()]

        assert paths == sorted(paths)
        assert len(paths) == source.total == 42

    def test_bytes_are_kept(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})

        image = next(opened(tmp_path).images())

        assert image.data == (tmp_path / "a" / "0.png").read_bytes()
        assert image.facts == ("RGB", 5, 6)

    def test_leaving_early_ends_the_threads(self, tmp_path):
        images = opened(class_folder(tmp_path, {"a": 30, "b": 30})).images()

        next(images)
        images.close()


class TestDamage:
    def damaged(self, tmp_path, name, data):
        class_folder(tmp_path, {"a": 3, "b": 3})
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageDamaged) as refusal:
            list(opened(tmp_path).images())
        return refusal.value

    @pytest.mark.parametrize(
        "data, says",
        [
            (b"", "empty"),
            (png()[:60], "damaged"),
            (b"hello, this is text", "not an image"),
            (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image"),
        ],
    )
    def test_a_damaged_image_is_named(self, tmp_path, data, says):
        error = self.damaged(tmp_path, "b/1.png", data)

        assert "'b/1.png'" in error.message
        assert says in error.message
        assert error.hint

    def test_all_damaged_images_are_named_together(self, tmp_path):
        class_folder(tmp_path, {"a": 20, "b": 3})
        for number in range(15):
            (tmp_path / "a" / f"{number}.png").write_bytes(b"")

        with pytest.raises(ImageDamaged, match=r"15 of 23 images .*'a/0\.png'.*and 5 more"):
            list(opened(tmp_path).images())

    def test_a_file_that_is_too_large_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setattr(reading, "MAX_IMAGE_BYTES", 10)
        class_folder(tmp_path, {"a": 1})

        outcome = folder._read(opened(tmp_path)._files[0])

        assert isinstance(outcome, ImageTooLarge)
        assert "more than 10 bytes" in outcome.message
