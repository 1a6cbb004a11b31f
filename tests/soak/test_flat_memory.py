"""Five times the table, and no more memory to make a version of it, from every kind of source."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from pyarrow import parquet

from tests.contract.conftest import postgres_url  # noqa: F401  a fixture

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

ROWS = 50_000
_NUMBERS = 8
_TEXT_CHARACTERS = 1000
_WRITTEN_ROWS = 10_000
_NAMES = [*(f"n{number}" for number in range(_NUMBERS)), "note", "label"]

# In a process of its own, whose peak is that of its memory since it began: `getrusage` would tell
# that of the process which started it, if that had more.
_PREPARE = """
import json, sys
from pathlib import Path
from pileus.data.ingest import prepare
source, query, into = sys.argv[1:]
made = prepare(source, into=Path(into), query=query or None, label="label")
size = sum(item.size for item in made.manifest.items)
peak = next(one for one in open("/proc/self/status") if one.startswith("VmHWM"))
print(json.dumps([size, int(peak.split()[1]) * 1024]))
"""

Source = tuple[str, str]
"""What a version is made of, and the query if it is a database."""


def _rows(count: int) -> Iterator[list[str | float]]:
    random = np.random.default_rng(0)
    for number in range(count):
        numbers = random.random(_NUMBERS).tolist()
        yield [*numbers, random.bytes(_TEXT_CHARACTERS // 2).hex(), "ab"[number % 2]]


def _csv(folder: Path, rows: int) -> Source:
    path = folder / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_NAMES)
        writer.writerows(_rows(rows))
    return str(path), ""


def _json_lines(folder: Path, rows: int) -> Source:
    path = folder / "table.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for row in _rows(rows):
            stream.write(json.dumps(dict(zip(_NAMES, row, strict=True))) + "\n")
    return str(path), ""


def _parquet(folder: Path, rows: int) -> Source:
    """All in one group of rows, as a file comes that was written at once."""
    path = folder / "table.parquet"
    parts = []
    left = _rows(rows)
    while some := list(islice(left, _WRITTEN_ROWS)):
        parts.append(pa.table(dict(zip(_NAMES, zip(*some, strict=True), strict=True))))
    parquet.write_table(pa.concat_tables(parts), path, row_group_size=rows)
    return str(path), ""


def _arrays(order: Literal["C", "F"]) -> Callable[[Path, int], Source]:
    def write(folder: Path, rows: int) -> Source:
        path = folder / "table.npz"
        random = np.random.default_rng(0)
        letters = random.integers(ord("a"), ord("z"), (rows, _TEXT_CHARACTERS), dtype=np.uint8)
        texts = np.asarray(letters.view(f"S{_TEXT_CHARACTERS // 10}"), order=order)
        np.savez(path, X=texts, label=np.arange(rows) % 2)
        return str(path), ""

    return write


def _sqlite(folder: Path, rows: int) -> Source:
    path = folder / "table.db"
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE rows ({', '.join(_NAMES)})")
        database.executemany(
            f"INSERT INTO rows VALUES ({', '.join('?' * len(_NAMES))})",
            _rows(rows),
        )
    return f"sqlite:///{path}", "rows"


SOURCES = {
    "csv": _csv,
    "json-lines": _json_lines,
    "parquet": _parquet,
    "npz": _arrays("C"),
    "npz-by-column": _arrays("F"),
    "sqlite": _sqlite,
}


@pytest.mark.parametrize("kind", SOURCES)
def test_memory_does_not_grow_with_a_file(kind: str, tmp_path: Path):
    _check(SOURCES[kind], tmp_path)


@pytest.mark.postgres
def test_memory_does_not_grow_with_a_query(postgres_url: str, tmp_path: Path):  # noqa: F811
    def fill(_: Path, rows: int) -> Source:
        numbers = ", ".join(f"random() AS {name}" for name in _NAMES[:_NUMBERS])
        engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
        with engine.begin() as database:
            database.exec_driver_sql("DROP TABLE IF EXISTS flat")
            database.exec_driver_sql(
                f"CREATE TABLE flat AS SELECT {numbers}, repeat(md5(n::text), 30) AS note,"
                f" mod(n, 2) AS label FROM generate_series(1, {rows}) AS n"
            )
        return postgres_url, "flat"

    _check(fill, tmp_path)


def _check(write: Callable[[Path, int], Source], folder: Path) -> None:
    small, small_peak = _prepared(write, folder / "small", ROWS)
    large, large_peak = _prepared(write, folder / "large", 5 * ROWS)
    print(f"{small:,} bytes: {small_peak:,}; {large:,} bytes: {large_peak:,}")  # noqa: T201
    # What a profile counts grows with the rows up to a bound, by far less than a row.
    assert large_peak - small_peak < (large - small) / 5


def _prepared(write: Callable[[Path, int], Source], folder: Path, rows: int) -> tuple[int, int]:
    """Bytes of the version, and the most memory that making it took."""
    folder.mkdir()
    source, query = write(folder, rows)
    done = subprocess.run(
        [sys.executable, "-c", _PREPARE, source, query, str(folder / "into")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    size, peak = json.loads(done.stdout)
    return size, peak
