import json
import time

import numpy as np
import pytest

from pileus.data.errors import TableDamaged
from pileus.data.row_composing import RowComposer
from pileus.data.sources.source import Row
from tests.unit.core.test_composing import APART, COMPOSED
from tests.unit.data.build import csv_file, ingested


def written(path, names, rows):
    """A table of texts, in the format of its ending."""
    if path.suffix == ".csv":
        csv_file(path, "\n".join(map(",".join, [names, *rows])) + "\n")
    elif path.suffix == ".jsonl":
        pairs = [zip(names, row, strict=True) for row in rows]
        lines = [
            "{" + ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in row) + "}"
            for row in pairs
        ]
        csv_file(path, "\n".join(lines) + "\n")
    elif path.suffix == ".parquet":
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet as pq  # optional

        columns = [pa.array(column) for column in zip(*rows, strict=True)]
        pq.write_table(pa.table(columns, names=names), path)
    else:
        cells = np.array(rows)
        np.savez(path, X=cells[:, :-1], y=cells[:, -1], columns=np.array(names[:-1]))
    return path


@pytest.fixture(params=["t.csv", "t.jsonl", "t.parquet", "t.npz"])
def ingest(request, tmp_path):
    def run(names, rows):
        path = written(tmp_path / request.param, names, rows)
        return ingested(path, tmp_path / f"out-{time.monotonic_ns()}")

    return run


ROWS = [[str(n), "x", ("tea", COMPOSED)[n % 2]] for n in range(20)]


class TestFormats:
    def test_two_spellings_are_one_class_and_said_to_be(self, ingest):
        apart = [[n, x, APART if n == "3" else y] for n, x, y in ROWS]

        prepared = ingest(["n", "x", "y"], apart)

        assert prepared.manifest.classes == (COMPOSED, "tea")
        assert prepared.manifest.id == ingest(["n", "x", "y"], ROWS).manifest.id
        (said,) = [one for one in prepared.notices if "NFC" in one]
        assert said.endswith(": 1, in columns 'y'")

    def test_two_spellings_are_one_category(self, ingest):
        rows = [[n, (COMPOSED, APART)[int(n) % 2], ("a", "b")[int(n) % 2]] for n, *_ in ROWS]

        columns = ingest(["n", "x", "y"], rows).manifest.columns

        assert columns[1].values == (COMPOSED,)

    def test_two_spellings_are_no_two_columns(self, ingest):
        says = (
            rf"{COMPOSED}'\] are there more than once; they differ only|key '{COMPOSED}' is there"
        )

        with pytest.raises(TableDamaged, match=says):
            ingest([COMPOSED, APART, "y"], ROWS)

    def test_a_column_is_found_under_either_spelling(self, tmp_path):
        path = written(tmp_path / "t.csv", ["n", "x", APART], ROWS)

        for name in (COMPOSED, APART):
            prepared = ingested(path, tmp_path / f"out{len(name)}", label=name)
            assert prepared.manifest.label == COMPOSED


class TestRowComposer:
    def test_rows_in_nfc_are_left_alone(self):
        rows = [Row(1, ["a", COMPOSED]), Row(2, ["中文", "\u0301 alone"])]
        composer = RowComposer(["p", "q"])

        assert composer.composed(rows) is rows
        assert composer.notices() == []

    def test_a_row_of_another_width_is_left_to_be_refused(self):
        row = Row(1, [APART, APART, APART], "train")
        composer = RowComposer(["p", "q"])

        assert composer.composed([row]) == [row]
        assert composer.notices() == []

    def test_the_side_of_a_row_stays(self):
        assert RowComposer(["p"]).composed([Row(7, [APART], "train")]) == [
            Row(7, [COMPOSED], "train")
        ]
