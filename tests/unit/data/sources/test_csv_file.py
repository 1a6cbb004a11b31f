import gzip

import pytest

from pileus.data.errors import SourceUnreadable, TableDamaged
from pileus.data.sources.csv_file import CsvFile
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import csv_file


def cells(path):
    return [row.cells for row in CsvFile(path, path.name, SourceOptions(path.parent)).rows()]


class TestRows:
    def test_header_comes_first_with_its_line(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", "\na,b\n1,2\n")

        rows = list(CsvFile(path, "t.csv", SourceOptions(tmp_path)).rows())

        assert [(row.line, row.cells) for row in rows] == [(2, ["a", "b"]), (3, ["1", "2"])]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_the_delimiter_is_found(self, tmp_path, delimiter):
        text = "\n".join(delimiter.join(row) for row in (["a", "b c"], ["1 x", "2"])) + "\n"

        assert cells(csv_file(tmp_path / "t.csv", text)) == [["a", "b c"], ["1 x", "2"]]

    def test_commas_inside_cells_do_not_mislead(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", "a;b\n1,5;2,5\n3,5;x,y\n")

        assert cells(path) == [["a", "b"], ["1,5", "2,5"], ["3,5", "x,y"]]

    def test_a_ragged_file_still_has_its_delimiter(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", "a,b\n1,2\n3\n4,5\n")

        assert cells(path)[2] == ["3"]

    def test_gzip_is_unpacked(self, tmp_path):
        path = csv_file(tmp_path / "t.csv.gz", gzip.compress(b"a,b\n1,2\n"))

        assert cells(path) == [["a", "b"], ["1", "2"]]


class TestDamage:
    @pytest.mark.parametrize(
        "data, says",
        [
            (b"a,b\n1,2\0\n", "line 2: it holds a zero byte"),
            (b'a,b\n1,2\n"3,4\n5,6\n', "line 3: unexpected end of data"),
            (b'a,b\n"1"x,2\n', "line 2"),
        ],
    )
    def test_is_named_with_its_line(self, tmp_path, data, says):
        path = csv_file(tmp_path / "t.csv", data)

        with pytest.raises(TableDamaged, match=says):
            cells(path)

    def test_half_a_gzip_file_is_named(self, tmp_path):
        data = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
        path = csv_file(tmp_path / "t.csv.gz", data[: len(data) // 2])

        with pytest.raises(SourceUnreadable, match=r"'t.csv.gz' is not a whole gzip"):
            cells(path)

    def test_a_file_that_only_says_gz_is_named(self, tmp_path):
        with pytest.raises(SourceUnreadable, match="gzip"):
            cells(csv_file(tmp_path / "t.csv.gz", b"a,b\n1,2\n"))


class TestOf:
    def test_takes_tables_only(self, tmp_path):
        for name, taken in {"a.CSV": True, "a.tsv.gz": True, "a.txt": False}.items():
            path = csv_file(tmp_path / name, "a,b\n")
            assert (CsvFile.of(path, name, SourceOptions(tmp_path)) is not None) is taken
