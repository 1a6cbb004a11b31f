import struct
import zlib

import pytest

from pileus.data.errors import ImageDamaged, ImageTooLarge, SourceFaulty
from pileus.data.faults import Faults
from pileus.data.sources import folder
from pileus.data.sources.folder import ClassFolder
from pileus.data.sources.layout import find_images
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import class_folder, png


def opened(root, faults=None):
    options = SourceOptions(root / "scratch", faults=faults or Faults())
    return ClassFolder.of(root, root.name, options)


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

    def test_damaged_images_are_passed_over_and_listed(self, tmp_path):
        class_folder(tmp_path, {"a": 3, "b": 3})
        (tmp_path / "a" / "1.png").write_bytes(png()[:60])
        (tmp_path / "b" / "2.png").write_bytes(b"")
        faults = Faults(skip=True)

        images = list(opened(tmp_path, faults).images())

        assert len(images) == 4
        assert [(one.name, one.code) for one in faults.skipped] == [
            ("a/1.png", "image_damaged"),
            ("b/2.png", "image_damaged"),
        ]

    def test_different_faults_are_reported_as_what_they_are(self, tmp_path, monkeypatch):
        class_folder(tmp_path, {"a": 3, "b": 3})
        (tmp_path / "a" / "1.png").write_bytes(b"")

        def find_and_lose(*given):
            found = find_images(*given)
            (tmp_path / "b" / "2.png").unlink()
            return found

        monkeypatch.setattr(folder, "find_images", find_and_lose)

        with pytest.raises(SourceFaulty, match=r"2 of 6 images .*is empty.*No such file"):
            list(opened(tmp_path).images())

    def test_a_hint_says_how_to_go_on_without_it(self, tmp_path):
        assert "--skip-bad" in self.damaged(tmp_path, "a/1.png", b"").hint

    def test_an_image_of_another_format_than_its_name_is_read_and_mentioned(self, tmp_path):
        class_folder(tmp_path, {"a": 3, "b": 3})
        (tmp_path / "a" / "1.png").rename(tmp_path / "a" / "1.jpg")
        source = opened(tmp_path)

        assert len(list(source.images())) == 6
        assert source.notices == [
            "Read by content, not by the ending of the name: 'a/1.jpg' holds PNG"
        ]

    def test_a_decompression_bomb_is_named(self, tmp_path):
        header = struct.pack(">2I5B", 60_000, 60_000, 8, 0, 0, 0, 0)
        chunk = b"IHDR" + header
        bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
        bomb += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I4s", 0, b"IDAT") + bytes(4)
        class_folder(tmp_path, {"a": 3, "b": 3})
        (tmp_path / "a" / "1.png").write_bytes(bomb)

        with pytest.raises(ImageTooLarge, match=r"'a/1\.png' has more than"):
            list(opened(tmp_path).images())
