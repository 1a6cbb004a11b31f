"""What only SQLite has to prove: kills, full disks, places where it must not be."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy as sa

from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.errors import StorageFull
from pileus.storage.migrate import migrate
from tests.contract.conftest import ITEMS, TABLES
from tests.contract.test_transactions import inserting, item, names

# Commits from many tasks at once and says which ones were acknowledged.
WRITER = """
import asyncio, sys
from pathlib import Path
from pileus.storage.databases.sqlite import SqliteDatabase
from tests.contract.conftest import ITEMS, TABLES
from tests.contract.test_transactions import inserting, item

async def main():
    database = SqliteDatabase(Path(sys.argv[1]), TABLES)
    await database.start()
    async def write(lane):
        for n in range(100_000):
            await database.write(inserting(item(f"{lane}-{n}")))
            print(f"{lane}-{n}", flush=True)
    await asyncio.gather(*(write(lane) for lane in range(10)))

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "test.db"
    migrate(f"sqlite:///{path}", TABLES, tmp_path)
    return path


@pytest.fixture
async def database(path):
    database = SqliteDatabase(path, TABLES)
    await database.start()
    yield database
    await database.close()


class TestKill:
    async def test_what_was_acknowledged_is_there(self, path):
        writer = subprocess.Popen(  # noqa: ASYNC220  nothing else runs in this loop
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        acknowledged = [writer.stdout.readline().strip() for _ in range(300)]
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate(timeout=10)
        # The last line may have been cut off by the kill.
        acknowledged += [line.strip() for line in rest.splitlines(keepends=True) if "\n" in line]

        database = SqliteDatabase(path, TABLES)
        await database.start()
        kept = await names(database)
        changes = await database.read(lambda s: s.changes(0, limit=1_000_000))
        last = await database.read(lambda s: s.last_change())
        await database.close()

        assert set(acknowledged) <= set(kept)
        # And the feed tells of exactly the rows that are there, without a gap.
        assert sorted(c.id for c in changes) == sorted(f"item_{name}" for name in kept)
        assert [c.seq for c in changes] == list(range(1, last + 1))


class TestAnotherProcess:
    @pytest.mark.parametrize("way", ["write", "jot"])
    async def test_the_loop_goes_on_while_it_holds_the_file(self, path, database, way):
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(getattr(database, way)(inserting(item("a"))))

        began = asyncio.get_running_loop().time()
        await asyncio.sleep(0.2)
        took = asyncio.get_running_loop().time() - began
        assert not writing.done()
        assert await database.glance(lambda snapshot: snapshot.last_change()) == 0
        other.execute("ROLLBACK")
        other.close()

        await asyncio.wait_for(writing, 5)
        assert took < 5  # far below what it would wait for the file
        assert await names(database) == ["a"]


class TestFullDisk:
    async def test_says_so_and_writes_again_when_there_is_room(self, database):
        @sa.event.listens_for(database._writing, "checkout")
        def limit(connection, *_):
            connection.execute(f"PRAGMA max_page_count={pages}")

        pages = 1  # SQLite takes it as the pages that are there
        long = [item(f"n{n}", detail="x" * 100_000) for n in range(3)]

        outcomes = await asyncio.gather(
            *(database.write(inserting(record)) for record in long), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [StorageFull] * 3
        assert await names(database) == []

        pages = 1_000_000
        await database.write(inserting(*long))
        assert await names(database, order=["name"]) == ["n0", "n1", "n2"]

    async def test_one_that_does_not_fit_takes_no_other_along(self, database):
        @sa.event.listens_for(database._writing, "checkout")
        def limit(connection, *_):
            connection.execute("PRAGMA max_page_count=60")

        works = [inserting(item("a")), inserting(item("b", detail="x" * 1_000_000))]
        works.append(inserting(item("c")))

        outcomes = await asyncio.gather(*map(database.write, works), return_exceptions=True)

        assert [type(outcome) for outcome in outcomes] == [type(None), StorageFull, type(None)]
        assert await names(database, order=["name"]) == ["a", "c"]


class TestFile:
    async def test_survives_loss_of_power(self, database, path):
        with database._writing.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"

    async def test_another_process_that_writes_is_waited_for(self, database, path):
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")

        writing = asyncio.create_task(database.write(inserting(item("a"))))
        await asyncio.sleep(0.1)
        assert not writing.done()
        other.execute("ROLLBACK")
        other.close()

        await writing
        assert await database.read(lambda s: s.get(ITEMS, id="item_a")) == item("a")
