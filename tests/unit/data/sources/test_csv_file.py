import gzip

import pytest

from pileus.data.errors import OptionRefused, SourceUnreadable, TableDamaged
from pileus.data.faults import Faults
from pileus.data.sources import text
from pileus.data.sources.csv_file import CsvFile
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import csv_file


def cells(path, **options):
    source = CsvFile.of(path, path.name, SourceOptions(path.parent, **options))
    return [list(row.cells) for row in source.rows()]


def numbered(path, **options):
    source = CsvFile(path, path.name, SourceOptions(path.parent, **options))
    return [(row.line, *row.cells) for row in source.rows()]


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

    @pytest.mark.parametrize("size", [7, 50, 100_000])
    def test_rows_are_the_same_however_much_is_read_at_once(self, tmp_path, monkeypatch, size):
        monkeypatch.setattr(text, "_CHUNK", size)
        path = csv_file(tmp_path / "t.csv", 'a,b\n1,2\n\n"x\n, y",3\r\n  \n4,"5"\r6,7')

        assert numbered(path) == [
            (1, "a", "b"),
            (2, "1", "2"),
            (4, "x\n, y", "3"),
            (7, "4", "5"),
            (8, "6", "7"),
        ]

    def test_another_encoding_is_read_when_it_is_named(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", "名,类\n张三,1\n".encode("gb18030"))

        assert cells(path, encoding="gbk") == [["名", "类"], ["张三", "1"]]

    def test_columns_are_named_for_a_file_without_a_header(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", "1,2\n3,4\n")

        assert numbered(path, columns=("a", "b")) == [(0, "a", "b"), (1, "1", "2"), (2, "3", "4")]

    def test_columns_are_numbered_for_a_file_without_a_header(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", "1,2\n3,4\n")

        assert numbered(path, no_header=True)[0] == (0, "column_1", "column_2")


class TestSkipping:
    def skipping(self, path):
        faults = Faults(skip=True)
        return numbered(path, faults=faults), [(one.line, one.code) for one in faults.skipped]

    def test_lines_that_are_no_text_are_passed_over(self, tmp_path):
        lines = [b"a,b", *[b"1,2"] * 30, b"\xe9,3", b"4\0,5", b"6,7"]
        path = csv_file(tmp_path / "t.csv", b"\n".join(lines))

        rows, skipped = self.skipping(path)

        assert skipped == [(32, "encoding_refused"), (33, "table_damaged")]
        assert rows[-2:] == [(31, "1", "2"), (34, "6", "7")]

    def test_a_stray_quote_costs_one_line(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", 'a,b\n1,2\n"3,4\n5,6\n"7"x,8\n9,"1\n0"\n')

        rows, skipped = self.skipping(path)

        assert skipped == [(3, "table_damaged"), (5, "table_damaged")]
        assert rows == [(1, "a", "b"), (2, "1", "2"), (4, "5", "6"), (6, "9", "1\n0")]

    def test_a_header_is_never_passed_over(self, tmp_path):
        with pytest.raises(TableDamaged, match="line 1"):
            self.skipping(csv_file(tmp_path / "t.csv", b"a\0,b\n1,2\n"))


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
    def test_refuses_options_of_other_kinds(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", "a,b\n")

        with pytest.raises(OptionRefused, match="--query says nothing about a CSV file"):
            CsvFile.of(path, "t.csv", SourceOptions(tmp_path, query="select 1"))

    def test_takes_tables_only(self, tmp_path):
        for name, taken in {"a.CSV": True, "a.tsv.gz": True, "a.txt": False}.items():
            path = csv_file(tmp_path / name, "a,b\n")
            assert (CsvFile.of(path, name, SourceOptions(tmp_path)) is not None) is taken
