"""After a secret column was set to null, no file of the installation holds what it said."""

from __future__ import annotations

import pytest

from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.databases.sqlite_traces import SqliteTraces
from pileus.storage.migrate import migrate
from pileus.storage.table import Table, row_columns, text

SECRETS = Table("secret", "secret", (*row_columns(), text("wrapped", null=True)), ("id",))
OURS, THEIRS = "ours" * 20, "theirs" * 20


def row(identifier, project, wrapped, now):
    return {
        "id": identifier,
        "project": project,
        "rev": 1,
        "created_at": now,
        "wrapped": wrapped,
    }


async def filled(path):
    migrate(f"sqlite:///{path}", [SECRETS], path.parent)
    database = SqliteDatabase(path, [SECRETS])
    await database.start()
    await database.write(lambda t: t.insert(SECRETS, row("a", "p", OURS, t.now)))
    await database.write(lambda t: t.insert(SECRETS, row("b", "q", THEIRS, t.now)))
    return database


def holders(directory, needle):
    return [p.name for p in directory.rglob("*") if p.is_file() and needle in p.read_bytes()]


@pytest.fixture
async def database(tmp_path):
    found = await filled(tmp_path / "live.db")
    yield found
    await found.close()


class TestClear:
    async def test_leaves_no_trace_in_log_and_copies(self, database, tmp_path):
        copies = tmp_path / "copies"
        copies.mkdir()
        await (await filled(copies / "old.db")).close()
        traces = SqliteTraces(tmp_path / "live.db", copies, SECRETS, "wrapped")
        await database.write(lambda t: t.swap(SECRETS, {**t.get(SECRETS, id="a"), "wrapped": None}))
        assert sorted(holders(tmp_path, OURS.encode())) == ["live.db-wal", "old.db"]

        await traces.clear("p")

        assert holders(tmp_path, OURS.encode()) == []
        assert sorted(holders(tmp_path, THEIRS.encode())) == ["live.db", "old.db"]

    async def test_passes_over_a_copy_from_before_there_was_such_a_table(self, tmp_path, database):
        migrate(f"sqlite:///{tmp_path}/copies.db", [], tmp_path)

        await SqliteTraces(tmp_path / "live.db", tmp_path, SECRETS, "wrapped").clear("p")

        assert holders(tmp_path, OURS.encode()) == []
