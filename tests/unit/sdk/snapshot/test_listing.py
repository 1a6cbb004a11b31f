import os

import pytest

from pileus.sdk.errors import SnapshotRefused
from pileus.sdk.snapshot import listing
from pileus.sdk.snapshot.git import files as git_files
from pileus.sdk.snapshot.listing import list_files
from tests.unit.sdk.snapshot.repository import committed, git, put


def paths_of(folder, **options):
    return [file.path for file in list_files(folder, **options).files]


@pytest.fixture(params=["git", "plain"])
def folder(request, tmp_path):
    """A folder with rules of what to ignore; what is left is the same with and without git."""
    folder = tmp_path / "work"
    folder.mkdir()
    put(folder, ".gitignore", "*.log\n/build/\n!keep.log\n")
    put(folder, "sub/.gitignore", "local\n!loud.log\n")
    for path in ("a.log", "keep.log", "build/out", "sub/build/in", "sub/local", "sub/loud.log"):
        put(folder, path)
    put(folder, "train.py", "print(1)\n")
    put(folder, "__pycache__/train.pyc")
    if request.param == "git":
        git(folder, "init")
    return folder


class TestListFiles:
    def test_it_leaves_out_what_gitignore_says(self, folder):
        expected = [".gitignore", "keep.log", "sub/.gitignore", "sub/build/in", "sub/loud.log"]

        assert paths_of(folder) == [*expected, "train.py"]

    def test_files_of_secrets_are_left_out_unless_asked_for(self, folder):
        put(folder, ".env", "TOKEN=x")

        found = list_files(folder)

        assert found.secrets == (".env",)
        assert ".env" not in [file.path for file in found.files]
        assert ".env" in paths_of(folder, include_secrets=True)

    def test_names_are_in_nfc(self, folder):
        put(folder, "u\u0308.py")

        assert "\u00fc.py" in paths_of(folder)

    def test_two_names_that_become_one_are_refused(self, folder):
        put(folder, "u\u0308.py")
        put(folder, "\u00fc.py")

        with pytest.raises(SnapshotRefused, match="written in two ways"):
            list_files(folder)

    def test_a_program_is_one_in_the_snapshot_too(self, folder):
        put(folder, "run.sh").chmod(0o755)

        found = {file.path: file.is_executable for file in list_files(folder).files}

        assert (found["run.sh"], found["train.py"]) == (True, False)

    def test_a_link_to_a_file_inside_is_that_file(self, folder):
        (folder / "again.py").symlink_to("train.py")

        found = {file.path: file.size for file in list_files(folder).files}

        assert found["again.py"] == found["train.py"] == 9

    def test_a_link_out_of_the_folder_is_refused(self, folder, tmp_path):
        put(tmp_path, "outside")
        (folder / "link").symlink_to("../outside")

        with pytest.raises(SnapshotRefused, match="'link' leads out"):
            list_files(folder)

    def test_a_link_to_a_folder_is_refused(self, folder):
        (folder / "link").symlink_to("sub")

        with pytest.raises(SnapshotRefused, match="leads to a folder"):
            list_files(folder)

    def test_what_is_no_file_is_refused(self, folder):
        os.mkfifo(folder / "pipe")

        if "pipe" in (git_files(folder) or ["pipe"]):
            with pytest.raises(SnapshotRefused, match="not a regular file"):
                list_files(folder)
        else:  # git sees no pipes
            assert "pipe" not in paths_of(folder)

    def test_too_much_names_the_largest(self, folder, monkeypatch):
        monkeypatch.setattr(listing, "MAX_BYTES", 2 * 1024 * 1024)
        put(folder, "data/big.bin", "x" * 3 * 1024 * 1024)

        with pytest.raises(SnapshotRefused, match=r"largest: data/big\.bin \(3\.0 MiB\)"):
            list_files(folder)

    def test_a_folder_without_files_is_refused(self, tmp_path):
        with pytest.raises(SnapshotRefused, match="has no file"):
            list_files(tmp_path)
        with pytest.raises(SnapshotRefused, match="not a folder"):
            list_files(tmp_path / "missing")


class TestRepositories:
    def test_a_file_that_git_knows_and_that_was_deleted_is_left_out(self, tmp_path):
        put(tmp_path, "a.py")
        put(tmp_path, "b.py")
        committed(tmp_path)
        (tmp_path / "b.py").unlink()

        assert paths_of(tmp_path) == ["a.py"]

    def test_a_folder_of_a_repository_is_taken_alone(self, tmp_path):
        put(tmp_path, "a.py")
        put(tmp_path, "sub/b.py")
        committed(tmp_path)

        assert paths_of(tmp_path / "sub") == ["b.py"]

    def test_a_repository_inside_is_taken_with_its_own_rules(self, tmp_path):
        put(tmp_path, "a.py")
        put(tmp_path, "inner/.gitignore", "no\n")
        put(tmp_path, "inner/no")
        put(tmp_path, "inner/yes")
        committed(tmp_path / "inner")
        git(tmp_path, "init")

        assert paths_of(tmp_path) == ["a.py", "inner/.gitignore", "inner/yes"]
