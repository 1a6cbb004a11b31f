import shutil

import numpy as np
import pytest

from pileus.data.errors import ClassesTooFew, LabelRefused, SplitRefused
from pileus.data.labels import MAX_CLASSES
from tests.unit.data.build import class_folder, csv_file, idx, ingested, png


class TestIngestImages:
    def test_items_are_the_files(self, tmp_path):
        source = class_folder(tmp_path / "in", {"a": 5, "b": 5})

        manifest = ingested(source, tmp_path / "out").manifest

        assert [item.path for item in manifest.items][:2] == ["a/0.png", "a/1.png"]
        assert manifest.classes == ("a", "b")
        assert manifest.source == "folder:in"
        assert (manifest.rows.train, manifest.rows.untouched) == (8, 2)
        assert manifest.image.modes == ("RGB",)
        assert manifest.image.sizes == ((5, 6, 10),)
        assert manifest.split.how == "stratified"

    def test_duplicates_land_on_one_side(self, tmp_path):
        source = class_folder(tmp_path / "in", {"a": 4, "b": 4})
        for copy in range(10):
            for number in range(4):
                shutil.copy(
                    source / "a" / f"{number}.png", source / "a" / f"copy{copy}-{number}.png"
                )

        prepared = ingested(source, tmp_path / "out")

        sides: dict[str, str] = {}
        for item in prepared.manifest.items:
            assert sides.setdefault(item.sha256, item.split) == item.split
        assert any("40 images repeat" in notice for notice in prepared.notices)

    def test_one_image_in_two_classes_is_on_one_side_and_mentioned(self, tmp_path):
        source = class_folder(tmp_path / "in", {"a": 4, "b": 4})
        shutil.copy(source / "a" / "0.png", source / "b" / "same.png")

        prepared = ingested(source, tmp_path / "out")

        sides = {i.split for i in prepared.manifest.items if i.path in {"a/0.png", "b/same.png"}}
        assert len(sides) == 1
        assert any("more than one class" in notice for notice in prepared.notices)

    def test_a_given_split_is_kept(self, tmp_path):
        root = tmp_path / "in"
        class_folder(root / "train", {"a": 3, "b": 3})
        class_folder(root / "test", {"a": 1, "b": 1}, start=50)

        manifest = ingested(root, tmp_path / "out").manifest

        assert manifest.split.how == "given"
        assert [i.path for i in manifest.of("untouched")] == ["test/a/0.png", "test/b/0.png"]

    def test_an_image_on_both_sides_of_a_given_split_is_mentioned(self, tmp_path):
        root = tmp_path / "in"
        class_folder(root / "train", {"a": 3, "b": 3})
        class_folder(root / "test", {"a": 1, "b": 1}, start=50)
        shutil.copy(root / "train/a/0.png", root / "test/a/leak.png")

        notices = ingested(root, tmp_path / "out").notices

        assert any("both in the training and in the test part" in notice for notice in notices)

    def test_classes_that_cannot_be_judged_are_mentioned(self, tmp_path):
        source = class_folder(tmp_path / "in", {"a": 4, "lone": 1})

        notices = ingested(source, tmp_path / "out").notices

        assert any("['lone']" in notice for notice in notices)

    def test_a_class_with_one_image_is_mentioned(self, tmp_path):
        class_folder(tmp_path / "in", {"a": 4, "lonely": 1})

        notices = ingested(tmp_path / "in", tmp_path / "out").notices

        assert notices == (
            "Classes with one image, which cannot be both learnt and judged: ['lonely']",
        )

    def test_nothing_to_leave_untouched_is_refused(self, tmp_path):
        source = class_folder(tmp_path / "in", {"a": 1, "b": 1})

        with pytest.raises(SplitRefused, match="two different images"):
            ingested(source, tmp_path / "out")

    def test_one_class_is_too_few(self, tmp_path):
        with pytest.raises(ClassesTooFew, match="'a'"):
            ingested(class_folder(tmp_path / "in", {"a": 4}), tmp_path / "out")

    def test_images_of_many_bytes_are_packs_of_their_own(self, tmp_path):
        source = class_folder(tmp_path / "in", {"a": 3, "b": 3})
        (source / "a" / "large.png").write_bytes(png(99, (700, 700)))

        manifest = ingested(source, tmp_path / "out").manifest

        large = next(item for item in manifest.items if item.path == "a/large.png")
        assert manifest.packs[large.pack].digest == large.sha256

    def test_idx_prefixes_give_the_split(self, tmp_path):
        idx(tmp_path / "in", "train-", 20)
        idx(tmp_path / "in", "t10k-", 8)

        manifest = ingested(tmp_path / "in", tmp_path / "out").manifest

        assert (manifest.rows.train, manifest.rows.untouched) == (20, 8)
        assert manifest.items[0].path == "train/00001.pgm"


class TestMostClasses:
    def arrays(self, path, classes):
        """One image of each class, and another of the first; no two images are equal."""
        numbers = np.arange(classes + 1)
        pixels = numbers.astype("<u4").view(np.uint8).reshape(-1, 2, 2)
        np.savez(path, X=pixels, y=numbers % classes)
        return path

    def test_are_accepted(self, tmp_path):
        source = self.arrays(tmp_path / "t.npz", MAX_CLASSES)

        manifest = ingested(source, tmp_path / "out").manifest

        assert len(manifest.classes) == MAX_CLASSES == 10_000
        assert len(manifest.items) == 10_001

    def test_and_one_more_are_refused_with_what_can_be_done_about_images(self, tmp_path):
        source = self.arrays(tmp_path / "t.npz", MAX_CLASSES + 1)

        with pytest.raises(LabelRefused, match="has 10,001 classes; 10,000 is the most") as refusal:
            ingested(source, tmp_path / "out")

        assert refusal.value.hint == "Merge classes, or leave some of them out."

    def test_of_a_table_are_refused_with_its_option(self, tmp_path):
        text = "x,y\n" + "".join(f"{n},c{n}\n" for n in range(MAX_CLASSES + 1)) * 2
        source = csv_file(tmp_path / "t.csv", text)

        with pytest.raises(LabelRefused, match="10,000 is the most") as refusal:
            ingested(source, tmp_path / "out", label="y", task="classification")

        assert "--label" in str(refusal.value.hint)
