import bz2
import gzip
import io
import sqlite3
import tarfile

import numpy as np
import pytest

from pileus.data.errors import SourceUnknown
from pileus.data.sources.contents import refuse_other_contents
from pileus.data.sources.detect import open_source
from pileus.data.sources.options import SourceOptions
from tests.unit.data.packed import zipped

TABLE = b"a,b\n1,2\n3,4\n"


def rows(tmp_path, path):
    opened = open_source(str(path), SourceOptions(tmp_path / "scratch"))
    return list(opened.rows())


def parquet(path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as pq  # optional

    pq.write_table(pa.table({"a": [1, 2], "b": [3, 4]}), path)


def arrays(path):
    stream = io.BytesIO()
    np.savez(stream, X=np.eye(2))
    path.write_bytes(stream.getvalue())


def tarred(path):
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("t.csv"))


def database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a)")
    connection.close()


class TestRefuseOtherContents:
    @pytest.mark.parametrize(
        "write, what, hint",
        [
            (lambda path: zipped(path, {"t.csv": TABLE}), "a zip archive", "'t.zip'"),
            (parquet, "a Parquet file", "'t.parquet'"),
            (arrays, "arrays of NumPy", "'t.npz'"),
            (tarred, "a tar archive", "'t.tar'"),
            (lambda path: path.write_bytes(gzip.compress(TABLE)), "a gzip file", "'t.csv.gz'"),
            (lambda path: path.write_bytes(bz2.compress(TABLE)), "a bzip2 file", "unpack it"),
            (lambda path: zipped(path, {"docProps/app.xml": b""}), "an Excel or", "as CSV"),
            (database, "a SQLite database", "as CSV"),
        ],
        ids=["zip", "parquet", "npz", "tar", "gzip", "bzip2", "xlsx", "sqlite"],
    )
    def test_a_wrong_ending_is_named_and_not_taken_for_an_encoding(
        self, tmp_path, write, what, hint
    ):
        path = tmp_path / "t.csv"
        write(path)

        with pytest.raises(
            SourceUnknown, match=rf"'t\.csv' ends in '\.csv', but holds {what}"
        ) as no:
            rows(tmp_path, path)

        assert hint in str(no.value.hint)

    def test_json_lines_are_looked_at_too(self, tmp_path):
        path = zipped(tmp_path / "t.jsonl", {"t.csv": TABLE})

        with pytest.raises(SourceUnknown, match=r"ends in '\.jsonl', but holds a zip archive"):
            rows(tmp_path, path)

    def test_what_is_packed_once_more_has_to_be_unpacked(self, tmp_path):
        inner = zipped(tmp_path / "inner", {"t.csv": TABLE}).read_bytes()
        path = tmp_path / "t.csv.gz"
        path.write_bytes(gzip.compress(inner))

        with pytest.raises(SourceUnknown, match=r"ends in '\.csv\.gz'") as refusal:
            rows(tmp_path, path)

        assert refusal.value.hint == "Unpack it with gunzip, and rename it to 't.zip'."

    @pytest.mark.parametrize("beginning", [TABLE, b"PAR1,PAR2\n1,2\n", b"PK,a\n", b"BZh9,a\n", b""])
    def test_text_that_begins_alike_is_text(self, beginning):
        refuse_other_contents(beginning, "t.csv")
