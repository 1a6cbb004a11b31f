"""A look at the rows beside a server that writes, on either database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pileus.storage.databases.postgres import PostgresDatabase
from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.errors import DatabaseUnavailable
from pileus.storage.outside import snapshot_of
from tests.contract.conftest import ITEMS, PLAIN, TABLES, fresh_postgres

ROW = {
    "id": "itm_1",
    "project": "prj_1",
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    "rev": 1,
    "name": "one",
    "color": None,
    "amount": 3,
    "is_good": True,
    "due_at": None,
    "detail": {"a": [1]},
}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'x.db'}"
    return fresh_postgres(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(url, tmp_path):
    is_sqlite = url.startswith("sqlite")
    found = (
        SqliteDatabase(tmp_path / "x.db", TABLES) if is_sqlite else PostgresDatabase(url, TABLES)
    )
    with found._writing.begin() as connection:
        found._schema.metadata.create_all(connection)
    await found.start()
    yield found
    await found.close()


class TestSnapshotOf:
    async def test_rows_are_read_while_the_server_runs(self, database, url):
        await database.write(lambda transaction: transaction.insert(ITEMS, ROW))

        with snapshot_of(url, [ITEMS, PLAIN]) as snapshot:
            found = snapshot.find(ITEMS, [("amount", ">", 2)])

        assert found == [ROW]

    async def test_a_database_from_before_a_table_has_no_rows(self, database, url):
        table = type(PLAIN)(name="later", noun="later", columns=PLAIN.columns, key=("id",))

        with snapshot_of(url, [ITEMS, table]) as snapshot:
            assert snapshot is None

    @pytest.mark.parametrize(
        "away", ["sqlite:////no/such/pileus.db", "postgresql://nobody@127.0.0.1:9/x"]
    )
    def test_a_database_that_is_not_there_is_told(self, away):
        with pytest.raises(DatabaseUnavailable), snapshot_of(away, [PLAIN]):
            pass
