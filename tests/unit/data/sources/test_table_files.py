import pytest

from pileus.data.errors import FolderRefused
from pileus.data.sources.detect import open_source
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.table_files import refuse_table_files
from tests.unit.data.build import class_folder, csv_file, idx
from tests.unit.data.packed import zipped

TABLE = "a,b\n1,2\n"


def opened(tmp_path, path, **options):
    return open_source(str(path), SourceOptions(tmp_path / "scratch", **options))


class TestRefuseTableFiles:
    def test_a_folder_of_tables_is_told_from_one_of_images(self, tmp_path):
        folder = tmp_path / "wine"
        folder.mkdir()
        csv_file(folder / "train.csv", TABLE)
        csv_file(folder / "test.csv", TABLE)
        (folder / "README.md").write_text("wine")

        with pytest.raises(FolderRefused) as refusal:
            opened(tmp_path, folder, encoding="utf-8")

        assert refusal.value.message == (
            "'wine' holds 2 table files, 'test.csv', 'train.csv'; one file is a dataset"
        )
        assert refusal.value.hint == "Give one of them, or join them into one file first."

    def test_an_archive_of_parts_is_named(self, tmp_path):
        parts = {f"year={year}/part-0.parquet": b"" for year in range(2000, 2007)}
        path = zipped(tmp_path / "wine.zip", parts)

        with pytest.raises(
            FolderRefused, match=r"'wine\.zip' holds 7 table files, 'year=2000/.* and 2 more;"
        ):
            opened(tmp_path, path)

    def test_a_table_among_other_files_is_to_be_given_itself(self, tmp_path):
        path = zipped(tmp_path / "wine.zip", {"wine.csv": TABLE.encode(), "run.sh": b""})

        with pytest.raises(FolderRefused, match=r"one table file, 'wine\.csv', and no images"):
            opened(tmp_path, path)

    def test_a_table_beside_images_does_not_matter(self, tmp_path):
        folder = class_folder(tmp_path / "pets", {"a": 2, "b": 2})
        csv_file(folder / "labels.csv", TABLE)
        idx(tmp_path / "mnist")
        csv_file(tmp_path / "mnist" / "labels.csv", TABLE)

        assert opened(tmp_path, folder).name == "folder:pets"
        assert opened(tmp_path, tmp_path / "mnist").name == "idx:mnist"

    def test_what_systems_leave_and_links_are_no_tables(self, tmp_path):
        csv_file(tmp_path / ".t.csv", TABLE)
        (tmp_path / "t.csv").symlink_to(tmp_path / "nowhere")
        (tmp_path / "again").symlink_to(tmp_path)

        refuse_table_files(tmp_path, "x")
