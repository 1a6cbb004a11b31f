"""Fresh, current, older, newer: what happens to a database when Pileus starts on it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys

import pytest

from pileus.server.tables import TABLES as PRODUCT
from pileus.storage.databases.sql_schema import Schema
from pileus.storage.databases.sqlite import sqlite_engine
from pileus.storage.errors import DatabaseForeign, HomeTooNew
from pileus.storage.migrate import DIRECTORY, migrate, revisions
from pileus.storage.migrations.running import upgrade
from pileus.storage.revising import write_revision
from pileus.storage.table import Table, integer, row_columns
from tests.contract.conftest import TABLES

LATER = (
    *TABLES,
    Table("extra", "extra", (*row_columns(), integer("size")), ("id",), index=(("size",),)),
)


@pytest.fixture
def directory(tmp_path):
    """Migrations of our own, with no revision yet."""
    directory = tmp_path / "migrations"
    shutil.copytree(DIRECTORY, directory, ignore=shutil.ignore_patterns("[0-9]*.py"))
    return directory


def look(path, query):
    connection = sqlite3.connect(path)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def schema(path):
    """Columns, keys and indexes of every table, as SQLite tells them."""
    tables = look(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return {
        name: (
            sorted(look(path, f"PRAGMA table_info({name})")),
            sorted(
                (unique, origin, look(path, f"PRAGMA index_info({index})"))
                for _, index, unique, origin, _ in look(path, f"PRAGMA index_list({name})")
            ),
        )
        for (name,) in tables
    }


def build(path, tables, directory):
    """A database as revision after revision makes it."""
    engine = sqlite_engine(path)
    with engine.begin() as connection:
        upgrade(connection, Schema(tables).metadata, directory)
    engine.dispose()


class TestRevisions:
    @pytest.mark.parametrize("tables", [LATER, PRODUCT], ids=["small", "product"])
    def test_that_are_written_build_what_the_tables_say(self, tmp_path, directory, tables):
        write_revision(tables[:2], "some", directory)
        write_revision(tables, "all", directory)

        build(tmp_path / "old.db", tables, directory)
        migrate(f"sqlite:///{tmp_path}/new.db", tables, tmp_path, directory)

        assert schema(tmp_path / "old.db") == schema(tmp_path / "new.db")

    @pytest.mark.skipif(not revisions(), reason="the product has no revision yet")
    def test_of_the_product_build_what_its_tables_say(self, tmp_path):
        build(tmp_path / "old.db", PRODUCT, DIRECTORY)
        migrate(f"sqlite:///{tmp_path}/new.db", PRODUCT, tmp_path)

        assert schema(tmp_path / "old.db") == schema(tmp_path / "new.db")


class TestOlder:
    def test_is_copied_and_upgraded(self, tmp_path, directory):
        path, backups = tmp_path / "x.db", tmp_path / "backups"
        write_revision(TABLES, "first", directory)
        migrate(f"sqlite:///{path}", TABLES, backups, directory)
        write_revision(LATER, "second", directory)

        migrate(f"sqlite:///{path}", LATER, backups, directory)

        assert look(path, "SELECT version_num FROM alembic_version") == [("0002",)]
        assert "extra" in schema(path)
        (copy,) = backups.iterdir()
        assert look(copy, "SELECT version_num FROM alembic_version") == [("0001",)]
        assert "extra" not in schema(copy)

    def test_a_blob_of_before_announcements_was_announced_when_it_was_made(
        self, tmp_path, directory
    ):
        path = tmp_path / "x.db"
        for file in (DIRECTORY / "versions").glob("0001*.py"):
            shutil.copy(file, directory / "versions")
        build(path, (), directory)
        connection = sqlite3.connect(path)
        with connection:
            connection.execute("INSERT INTO blob VALUES ('prj_1', 'abc', 3, 42)")
        connection.close()

        migrate(f"sqlite:///{path}", PRODUCT, tmp_path / "backups")

        assert look(path, "SELECT * FROM blob") == [("prj_1", "abc", 3, 42, 42, None)]

    def test_a_revision_that_fails_leaves_everything(self, tmp_path, directory):
        path = tmp_path / "x.db"
        write_revision(TABLES, "first", directory)
        migrate(f"sqlite:///{path}", TABLES, tmp_path, directory)
        broken = write_revision(LATER, "second", directory)
        broken.write_text(broken.read_text() + "    raise RuntimeError\n")

        with pytest.raises(RuntimeError):
            migrate(f"sqlite:///{path}", LATER, tmp_path, directory)

        assert look(path, "SELECT version_num FROM alembic_version") == [("0001",)]
        assert "extra" not in schema(path)


class TestNewer:
    def test_is_refused_and_both_revisions_are_named(self, tmp_path, directory):
        path = tmp_path / "x.db"
        migrate(f"sqlite:///{path}", TABLES, tmp_path, directory)
        connection = sqlite3.connect(path)
        with connection:
            connection.execute("UPDATE alembic_version SET version_num = '0042'")
        connection.close()

        with pytest.raises(HomeTooNew, match=r"'0042'.*'0000'"):
            migrate(f"sqlite:///{path}", TABLES, tmp_path, directory)


class TestForeign:
    def test_tables_of_somebody_else_are_left_alone(self, tmp_path):
        path = tmp_path / "x.db"
        look(path, "CREATE TABLE item (id TEXT)")

        with pytest.raises(DatabaseForeign, match="item"):
            migrate(f"sqlite:///{path}", TABLES, tmp_path)

    def test_other_tables_do_not_matter(self, tmp_path):
        path = tmp_path / "x.db"
        look(path, "CREATE TABLE theirs (id TEXT)")

        migrate(f"sqlite:///{path}", TABLES, tmp_path)

        assert {"theirs", "item"} <= schema(path).keys()


class TestCurrent:
    def test_costs_no_import_of_alembic(self, tmp_path):
        path = tmp_path / "x.db"
        migrate(f"sqlite:///{path}", TABLES, tmp_path)
        code = (
            "import sys; from pathlib import Path; from pileus.storage.migrate import migrate;"
            "from tests.contract.conftest import TABLES;"
            f"migrate('sqlite:///{path}', TABLES, Path('{tmp_path}'));"
            "sys.exit('alembic' in sys.modules)"
        )

        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
        assert not list(tmp_path.glob("*-0*.db"))
