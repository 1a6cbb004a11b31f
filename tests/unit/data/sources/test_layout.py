import errno
import os
import unicodedata

import pytest

from pileus.data.errors import FolderRefused, SourceFaulty, SourceUnreadable
from pileus.data.faults import Faults
from pileus.data.sources import layout
from tests.unit.data.build import class_folder, png


def find_images(root, faults):
    return layout.find_images(root, faults, expect_many=lambda: None)


def found(root):
    return [(file.name, file.label, file.given) for file in find_images(root, Faults())[0]]


class TestFindImages:
    def test_says_as_soon_as_there_are_many(self, tmp_path, monkeypatch):
        monkeypatch.setattr(layout, "MANY_FILES", 3)
        said = []
        class_folder(tmp_path, {"cats": 1, "dogs": 1})

        layout.find_images(tmp_path, Faults(), lambda: said.append(True))
        assert not said
        class_folder(tmp_path, {"cats": 1, "dogs": 2})
        layout.find_images(tmp_path, Faults(), lambda: said.append(True))

        assert said

    def test_a_class_is_its_folder(self, tmp_path):
        class_folder(tmp_path, {"cats": 1, "dogs": 1})

        assert found(tmp_path) == [("cats/0.png", "cats", None), ("dogs/0.png", "dogs", None)]

    @pytest.mark.parametrize("names", [("train", "test"), ("Training_set", "test_set")])
    def test_train_and_test_give_the_split(self, tmp_path, names):
        for name in names:
            class_folder(tmp_path / name, {"a": 1, "b": 1})

        sides = {name: side for name, _, side in found(tmp_path)}

        assert sides[f"{names[0]}/a/0.png"] == "train"
        assert sides[f"{names[1]}/b/0.png"] == "untouched"

    def test_validation_goes_back_into_training(self, tmp_path):
        for name in ("train", "val", "test"):
            class_folder(tmp_path / name, {"a": 1, "b": 1})

        assert ("val/a/0.png", "a", "train") in found(tmp_path)

    def test_training_without_a_test_gives_no_split(self, tmp_path):
        class_folder(tmp_path / "train", {"a": 1, "b": 1})

        assert {side for _, _, side in found(tmp_path)} == {None}

    def test_a_folder_wrapped_in_its_own_name_is_unwrapped(self, tmp_path):
        class_folder(tmp_path / "train" / "train", {"a": 1, "b": 1})

        assert found(tmp_path)[0] == ("train/train/a/0.png", "a", None)

    def test_litter_is_ignored_silently(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1, ".git": 1, "__MACOSX": 1})
        for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
            (tmp_path / "a" / name).write_bytes(b"x")

        files, notices = find_images(tmp_path, Faults())

        assert len(files) == 2
        assert notices == []

    def test_files_beside_the_classes_are_mentioned(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        (tmp_path / "README.md").write_text("about")

        assert find_images(tmp_path, Faults())[1] == ["Ignored beside the folders: 'README.md'"]

    def test_names_are_nfc(self, tmp_path):
        class_folder(tmp_path, {unicodedata.normalize("NFD", "é"): 1, "b": 1})

        assert ("é/0.png", "é", None) in found(tmp_path)


class TestRefusals:
    def refused(self, root, says):
        with pytest.raises(FolderRefused, match=says) as refusal:
            find_images(root, Faults())
        assert refusal.value.hint

    def test_an_empty_folder(self, tmp_path):
        self.refused(tmp_path, "no folders in it")

    def test_a_class_without_an_image(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 0})

        self.refused(tmp_path, "'b' has no image")

    def test_another_file_in_a_class(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        (tmp_path / "a" / "notes.txt").write_text("x")

        self.refused(tmp_path, "'a/notes.txt' is not an image")

    def test_an_image_without_a_class(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        (tmp_path / "stray.png").write_bytes(png())

        self.refused(tmp_path, r"'stray\.png' is in no class")

    def test_a_folder_inside_a_class(self, tmp_path):
        class_folder(tmp_path, {"a/deep": 1, "b": 1})

        self.refused(tmp_path, "'a/deep' is inside a class")

    def test_a_folder_beside_train_and_test(self, tmp_path):
        class_folder(tmp_path / "train", {"a": 1, "b": 1})
        class_folder(tmp_path, {"extra": 1})

        self.refused(tmp_path, "'extra'")

    def test_a_test_without_training(self, tmp_path):
        class_folder(tmp_path / "test", {"a": 1, "b": 1})

        self.refused(tmp_path, "no 'train'")

    def test_a_class_that_is_only_tested(self, tmp_path):
        class_folder(tmp_path / "train", {"a": 1, "b": 1})
        class_folder(tmp_path / "test", {"c": 1})

        self.refused(tmp_path, r"\['c'\]")

    def test_two_spellings_of_one_name(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        for form in ("NFC", "NFD"):
            (tmp_path / "a" / unicodedata.normalize(form, "é.png")).write_bytes(png())
        if len(list((tmp_path / "a").iterdir())) < 3:
            pytest.skip("this file system keeps one of the two spellings")

        self.refused(tmp_path, "differ only in how accents")

    def test_a_name_that_no_other_system_reads(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        (tmp_path / "a" / "x\ny.png").write_bytes(png())

        self.refused(tmp_path, "control character")

    def test_a_pipe_is_not_waited_for(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        os.mkfifo(tmp_path / "a" / "pipe.png")

        self.refused(tmp_path, "'a/pipe.png' is not an image")


class TestLinks:
    def test_out_of_the_folder_are_refused(self, tmp_path):
        root = class_folder(tmp_path / "in", {"a": 1, "b": 1})
        (tmp_path / "secret.png").write_bytes(png())
        (root / "a" / "link.png").symlink_to(tmp_path / "secret.png")

        with pytest.raises(SourceUnreadable, match=r"'a/link\.png' is a link that leads out"):
            find_images(root, Faults())

    def test_to_nowhere_are_refused(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        (tmp_path / "a" / "link.png").symlink_to(tmp_path / "gone.png")

        with pytest.raises(SourceUnreadable, match="leads nowhere"):
            find_images(tmp_path, Faults())

    def test_to_folders_are_refused(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        (tmp_path / "c").symlink_to(tmp_path / "a")

        with pytest.raises(FolderRefused, match="'c' is a link to a folder"):
            find_images(tmp_path, Faults())

    def test_inside_the_folder_are_followed(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        (tmp_path / "a" / "link.png").symlink_to(tmp_path / "b" / "0.png")

        assert ("a/link.png", "a", None) in found(tmp_path)


class TestUnreadable:
    """A folder that may not be listed, also when root tests, who may list any."""

    @pytest.fixture
    def lock(self, monkeypatch):
        def run(closed):
            listed = os.scandir

            def scandir(path):
                if path == str(closed):
                    raise PermissionError(errno.EACCES, "Permission denied", path)
                return listed(path)

            monkeypatch.setattr(os, "scandir", scandir)

        return run

    @pytest.fixture
    def locked(self, tmp_path, lock):
        class_folder(tmp_path, {"a": 1, "b": 1, "c": 1})
        lock(tmp_path / "b")
        return tmp_path

    def test_is_named_with_what_to_do(self, locked):
        with pytest.raises(SourceUnreadable, match="'b' cannot be read: Permission denied") as no:
            find_images(locked, Faults())

        assert "you may read it" in str(no.value.hint)
        assert "--skip-bad" in str(no.value.hint)

    def test_is_reported_with_what_else_is_wrong(self, locked):
        class_folder(locked, {"d": 0})

        with pytest.raises(SourceFaulty, match=r"'b' cannot be read.*'d' has no image"):
            find_images(locked, Faults())

    def test_is_passed_over_and_listed(self, locked):
        faults = Faults(skip=True)

        files, _ = find_images(locked, faults)

        assert [file.name for file in files] == ["a/0.png", "c/0.png"]
        assert [(one.name, one.code) for one in faults.skipped] == [("b", "source_unreadable")]

    def test_is_never_passed_over_where_it_holds_the_classes(self, tmp_path, lock):
        for side in ("train", "test"):
            class_folder(tmp_path / side, {"a": 1, "b": 1})
        lock(tmp_path / "test")

        with pytest.raises(SourceUnreadable, match="'test' cannot be read"):
            find_images(tmp_path, Faults(skip=True))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
    def test_is_named_by_its_mode(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        (tmp_path / "b").chmod(0)

        with pytest.raises(SourceUnreadable, match="'b' cannot be read: Permission denied"):
            find_images(tmp_path, Faults())


class TestManyFaults:
    def broken(self, tmp_path):
        class_folder(tmp_path, {"a": 2, "b": 2, "empty": 0, "a/deep": 1})
        (tmp_path / "a" / "notes.txt").write_text("x")
        (tmp_path / "b" / "loop.png").symlink_to(tmp_path / "b" / "loop.png")
        (tmp_path / "b" / "self").symlink_to(tmp_path / "b")
        return tmp_path

    def test_are_reported_together(self, tmp_path):
        with pytest.raises(SourceFaulty) as refusal:
            find_images(self.broken(tmp_path), Faults())

        message = refusal.value.message
        assert "5 files and folders cannot be used" in message
        for name in ("a/deep", "a/notes.txt", "b/loop.png", "b/self", "empty"):
            assert f"{name!r}" in message

    def test_are_passed_over_and_listed(self, tmp_path):
        faults = Faults(skip=True)

        files, _ = find_images(self.broken(tmp_path), faults)

        assert [file.name for file in files] == ["a/0.png", "a/1.png", "b/0.png", "b/1.png"]
        assert [one.name for one in faults.skipped] == [
            "a/deep",
            "a/notes.txt",
            "b/loop.png",
            "b/self",
            "empty",
        ]

    def test_the_first_of_two_spellings_is_kept(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        for form in ("NFC", "NFD"):
            (tmp_path / "a" / unicodedata.normalize(form, "é.png")).write_bytes(png())
        faults = Faults(skip=True)

        files, _ = find_images(tmp_path, faults)

        assert [file.name for file in files] == ["a/0.png", "a/é.png", "b/0.png"]

    def test_a_name_that_is_not_utf_8_is_one(self, tmp_path):
        class_folder(tmp_path, {"a": 1, "b": 1})
        (tmp_path / "a" / os.fsdecode(b"\xff.png")).write_bytes(png())

        with pytest.raises(FolderRefused, match="is not UTF-8"):
            find_images(tmp_path, Faults())

    def test_nothing_but_faults_is_no_source(self, tmp_path):
        class_folder(tmp_path, {"a": 0, "b": 0})

        with pytest.raises(FolderRefused, match="no image that can be used"):
            find_images(tmp_path, Faults(skip=True))
