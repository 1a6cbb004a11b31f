import sqlite3
from pathlib import Path

import pytest

from pileus.data.errors import DatabaseRefused, OptionRefused, TableDamaged
from pileus.data.faults import Faults
from pileus.data.sources.database import open_database
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import ingested


@pytest.fixture
def url(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, price REAL, note TEXT, kind TEXT)")
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            [(n, n / 4, None if n % 3 else "50% off: now", "ab"[n % 2]) for n in range(40)],
        )
        connection.execute("CREATE TABLE raw (id INTEGER, data BLOB)")
        connection.executemany("INSERT INTO raw VALUES (?, ?)", [(1, b"\0"), (2, "text")])
    connection.close()
    return f"sqlite:///{path}"


def rows(url, query=None, **options):
    source = open_database(url, SourceOptions(Path(), query=query, **options))
    return [(row.line, *row.cells) for row in source.rows()]


class TestRows:
    def test_a_query_gives_a_table(self, url):
        found = rows(url, "SELECT id, price, note FROM orders WHERE note LIKE '%: now' LIMIT 2")

        assert found == [
            (0, "id", "price", "note"),
            (1, "0", "0.0", "50% off: now"),
            (2, "3", "0.75", "50% off: now"),
        ]

    def test_the_name_of_a_table_is_enough(self, url):
        assert len(rows(url, "orders")) == 41

    def test_nothing_is_written(self, url):
        for query in ("DROP TABLE orders", "DELETE FROM orders RETURNING id"):
            with pytest.raises(DatabaseRefused):
                rows(url, query)

        assert len(rows(url, "orders")) == 41

    def test_its_source_is_the_file_alone(self, url, tmp_path):
        manifest = ingested(url, tmp_path / "out", query="orders", label="kind").manifest

        assert manifest.source == "database:sqlite:shop.db"

    def test_what_is_no_cell_is_named_and_passed_over(self, url):
        faults = Faults(skip=True)

        with pytest.raises(TableDamaged, match=r"row 1: column 'data' has a value of type 'bytes'"):
            rows(url, "raw")

        assert rows(url, "raw", faults=faults) == [(0, "id", "data"), (2, "2", "text")]
        assert [one.line for one in faults.skipped] == [1]


class TestRefusals:
    @pytest.mark.parametrize(
        "query, says",
        [
            (None, "which rows is not said"),
            ("nothing", "no such table"),
            ("SELECT * FROM orders WHERE", "incomplete input"),
        ],
    )
    def test_a_query_that_gives_nothing_is_told(self, url, query, says):
        with pytest.raises(DatabaseRefused, match=says) as refusal:
            rows(url, query)

        assert refusal.value.hint

    def test_tables_are_listed_when_none_is_chosen(self, url):
        with pytest.raises(DatabaseRefused) as refusal:
            rows(url)

        assert "orders, raw" in str(refusal.value.hint)

    def test_a_file_that_is_not_there_is_not_made(self, tmp_path):
        with pytest.raises(DatabaseRefused, match="No file is at"):
            rows(f"sqlite:///{tmp_path}/none.db", "t")

        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        "address",
        [
            "postgresql://someone:hush@127.0.0.1:1/db",
            "postgresql://someone:hu@sh@127.0.0.1:1/db",
            "postgresql://someone:hush@[::1/db",
            "postgresql+none://someone:hush@127.0.0.1:1/db",
            "postgresql://127.0.0.1:1/db?user=someone&password=hush",
        ],
    )
    def test_a_password_is_never_shown(self, address):
        with pytest.raises(DatabaseRefused) as refusal:
            rows(address, "t")

        shown = f"{refusal.value.message} {refusal.value.hint}"
        assert "hu" not in shown
        assert "sh@" not in shown

    def test_other_options_are_refused(self, url):
        with pytest.raises(OptionRefused, match="--encoding"):
            open_database(url, SourceOptions(Path(), query="t", encoding="gbk"))
