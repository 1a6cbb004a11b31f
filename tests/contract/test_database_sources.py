"""A query to a database becomes the same table, whichever database it is."""

import pytest
import sqlalchemy as sa

from pileus.data.errors import DatabaseRefused
from pileus.data.ingest import prepare
from pileus.data.sources.database import open_database
from pileus.data.sources.options import SourceOptions

ORDERS = sa.Table(
    "Orders",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("price", sa.Float),
    sa.Column("note", sa.Text),
    sa.Column("day", sa.Date),
    sa.Column("label", sa.Text),
)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    address = f"sqlite:///{tmp_path}/shop.db"
    if request.param == "postgres":
        address = request.getfixturevalue("postgres_url")
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        ORDERS.drop(connection, checkfirst=True)
        ORDERS.create(connection)
        connection.execute(
            sa.text("INSERT INTO \"Orders\" VALUES (:id, :price, :note, '2020-01-02', :label)"),
            [
                {"id": n, "price": n / 4, "note": None if n % 2 else "50% 文", "label": "ab"[n % 2]}
                for n in range(5000)
            ],
        )
    engine.dispose()
    # What a person writes names no driver.
    return address.replace("postgresql+psycopg", "postgresql")


def rows(url, query, folder):
    source = open_database(url, SourceOptions(folder, query=query))
    return [(row.line, *row.cells) for row in source.rows()]


class TestDatabaseQuery:
    def test_values_have_one_text(self, url, tmp_path):
        found = rows(url, "Orders", tmp_path)

        assert len(found) == 5001
        assert found[:3] == [
            (0, "id", "price", "note", "day", "label"),
            (1, "0", "0.0", "50% 文", "2020-01-02", "a"),
            (2, "1", "0.25", "", "2020-01-02", "b"),
        ]

    def test_a_query_is_sent_as_it_is(self, url, tmp_path):
        query = """SELECT id, '12:30' AS at FROM "Orders" WHERE note LIKE '50% %' AND id < 3"""

        assert rows(url, query, tmp_path) == [(0, "id", "at"), (1, "0", "12:30"), (2, "2", "12:30")]

    def test_nothing_is_written(self, url, tmp_path):
        for query in ('DELETE FROM "Orders"', 'DELETE FROM "Orders" RETURNING id'):
            with pytest.raises(DatabaseRefused):
                rows(url, query, tmp_path)

        assert len(rows(url, "Orders", tmp_path)) == 5001

    def test_a_query_that_fails_is_told(self, url, tmp_path):
        with pytest.raises(DatabaseRefused, match="nowhere") as refusal:
            rows(url, "SELECT * FROM nowhere", tmp_path)

        assert refusal.value.hint

    def test_tables_are_listed_when_none_is_chosen(self, url, tmp_path):
        with pytest.raises(DatabaseRefused) as refusal:
            rows(url, None, tmp_path)

        assert "Orders" in str(refusal.value.hint)

    def test_the_version_is_the_same_everywhere(self, url, tmp_path):
        prepared = prepare(url, into=tmp_path / "out", query='SELECT * FROM "Orders" ORDER BY id')

        assert prepared.manifest.id == "dsv_1564f5524588edb5b311cde112be9831e2de87bc"
