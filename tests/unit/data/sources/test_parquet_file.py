import datetime as dt
from decimal import Decimal

import pytest

from pileus.data.errors import SourceChanged, SourceUnreadable, TableDamaged
from pileus.data.sources import parquet_file
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.parquet_file import ParquetFile
from tests.unit.data.build import aged, ingested

pa = pytest.importorskip("pyarrow", reason="pileus[parquet] is not installed")
pq = pytest.importorskip("pyarrow.parquet")


def rows(path):
    source = ParquetFile.of(path, path.name, SourceOptions(path.parent))
    return [(row.line, *row.cells) for row in source.rows()]


def written(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


class TestRows:
    @pytest.mark.parametrize(
        "values, cells",
        [
            (pa.array([1, None, -3]), ("1", "", "-3")),
            (pa.array([2**64 - 1, 0, 1], pa.uint64()), ("18446744073709551615", "0", "1")),
            (pa.array([0.1, None, 1e300]), ("0.1", "", "1e+300")),
            (pa.array([0.1, None, float("nan")], pa.float32()), ("0.1", "", "nan")),
            (pa.array([True, None, False]), ("true", "", "false")),
            (pa.array([Decimal("1.50"), None, Decimal(-2)]), ("1.50", "", "-2.00")),
            (
                pa.array([dt.date(2020, 1, 2), None, dt.date(1, 1, 1)]),
                ("2020-01-02", "", "0001-01-01"),
            ),
            (
                pa.array(["2020-01-02 03:00:00", None, "1960-01-01 00:00:00.006"]).cast(
                    "timestamp[us]"
                ),
                ("2020-01-02T03:00:00", "", "1960-01-01T00:00:00.006"),
            ),
            (
                pa.array(
                    [dt.datetime(2020, 1, 2, 3, tzinfo=dt.UTC), None, None],
                    pa.timestamp("s", tz="Asia/Shanghai"),
                ),
                ("2020-01-02T03:00:00Z", "", ""),
            ),
            (pa.array([dt.time(1, 2), None, None], pa.time32("s")), ("01:02:00", "", "")),
            (pa.array(["x", None, "é, \n"]), ("x", "", "é, \n")),
            (pa.array(["x", None, "x"]).dictionary_encode(), ("x", "", "x")),
            (pa.nulls(3), ("", "", "")),
        ],
    )
    def test_each_value_has_one_text(self, tmp_path, values, cells):
        path = written(tmp_path / "t.parquet", {"v": values, "y": ["a", "b", "c"]})

        assert rows(path) == [
            (0, "v", "y"),
            *((n, cell, y) for n, cell, y in zip((1, 2, 3), cells, "abc", strict=True)),
        ]

    def test_row_groups_do_not_change_the_version(self, tmp_path):
        columns = {"a": list(range(100)), "label": ["x", "y"] * 50}
        many = written(tmp_path / "many.parquet", columns, row_group_size=7)
        one = written(tmp_path / "one.parquet", columns, compression="zstd")

        ids = {ingested(path, tmp_path / "out").manifest.id for path in (many, one)}

        assert len(ids) == 1

    @pytest.mark.parametrize(
        "columns, text, most", [(2, 1, 5000), (1000, 1, 200), (2, 100_000, 200)]
    )
    def test_wide_tables_and_long_texts_are_read_fewer_rows_at_a_time(
        self, tmp_path, monkeypatch, columns, text, most
    ):
        cells = [f"{n:0{text}}" for n in range(400)]
        columns = dict.fromkeys(map(str, range(columns)), cells)
        path = written(tmp_path / "t.parquet", columns, use_dictionary=False)
        asked = []
        iterated = pq.ParquetFile.iter_batches

        def asking(file, batch_size):
            asked.append(batch_size)
            return iterated(file, batch_size)

        monkeypatch.setattr(pq.ParquetFile, "iter_batches", asking)

        assert len(rows(path)) == 401
        assert most / 3 < asked[0] <= most


class TestChange:
    """While the file is read, somebody writes to it."""

    @pytest.fixture
    def path(self, tmp_path, monkeypatch):
        monkeypatch.setattr(parquet_file, "_BATCH_ROWS", 10)
        monkeypatch.setattr(parquet_file, "_BUFFER_BYTES", 16)
        columns = {"a": [f"{n:060}" for n in range(100)]}
        path = tmp_path / "t.parquet"
        return aged(written(path, columns, row_group_size=10, compression="none"))

    def begun(self, path):
        found = ParquetFile.of(path, path.name, SourceOptions(path.parent)).rows()
        assert next(found).cells == ["a"]
        return found

    def refused(self, found):
        with pytest.raises(SourceChanged, match=r"'t\.parquet' changed while it was read"):
            list(found)

    def test_of_the_file_is_refused(self, path):
        found = self.begun(path)

        written(path.parent / "other", {"a": ["another"]})
        (path.parent / "other").replace(path)

        self.refused(found)

    def test_of_bytes_that_can_still_be_read_is_refused(self, path):
        found = self.begun(path)

        data = path.read_bytes()
        path.write_bytes(data.replace(b"0" * 58 + b"99", b"1" * 58 + b"99"))

        self.refused(found)

    def test_that_leaves_no_whole_page_is_no_damage(self, path):
        found = self.begun(path)

        path.write_bytes(b"\xff" * path.stat().st_size)

        self.refused(found)

    def test_that_cuts_it_is_no_damage(self, path):
        found = self.begun(path)

        path.write_bytes(path.read_bytes()[:1000])

        self.refused(found)


class TestDamage:
    def test_nested_columns_are_named(self, tmp_path):
        path = written(
            tmp_path / "t.parquet", {"a": [1], "tags": [["x"]], "box": [{"w": 1}], "raw": [b"\0"]}
        )

        with pytest.raises(TableDamaged, match=r"'tags' \(list.*'box' \(struct.*'raw' \(binary"):
            rows(path)

    def test_half_a_file_is_named(self, tmp_path):
        path = written(tmp_path / "t.parquet", {"a": list(range(1000))})
        path.write_bytes(path.read_bytes()[:-100])

        with pytest.raises(TableDamaged, match=r"'t\.parquet' is not a whole Parquet file"):
            rows(path)

    def test_damaged_pages_are_named(self, tmp_path):
        path = written(tmp_path / "t.parquet", {"a": [f"{n}" * 9 for n in range(9000)]})
        data = bytearray(path.read_bytes())
        data[200:3000] = b"\xff" * 2800
        path.write_bytes(data)

        with pytest.raises(TableDamaged, match=r"'t\.parquet'"):
            rows(path)

    def test_how_to_install_it_is_said(self, tmp_path, monkeypatch):
        path = written(tmp_path / "t.parquet", {"a": [1]})
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

        with pytest.raises(SourceUnreadable, match="pyarrow is not installed") as refusal:
            rows(path)

        assert "pileus[parquet]" in str(refusal.value.hint)
