"""Rows that were dumped from either database are the same rows in either."""

from __future__ import annotations

import gzip
import io
import json
import uuid

import pytest
import sqlalchemy as sa

from pileus.server.tables import TABLES as PRODUCT
from pileus.storage.backup.errors import BackupDamaged
from pileus.storage.backup.rows import dump, holds, load
from pileus.storage.databases.sql_schema import Schema
from pileus.storage.databases.sqlite import sqlite_engine
from pileus.storage.errors import DatabaseForeign, HomeTooNew
from pileus.storage.migrate import migrate, revisions
from pileus.storage.tables import CHANGES
from tests.contract.conftest import fresh_postgres
from tests.contract.rows import fill


@pytest.fixture
def filled(tmp_path):
    """URL of a SQLite database with rows in every table."""
    path = tmp_path / "filled.db"
    migrate(f"sqlite:///{path}", PRODUCT, tmp_path)
    engine = sqlite_engine(path)
    with engine.begin() as connection:
        fill(connection)
        # More than one batch.
        more = [{"seq": n, "project": "p", "noun": "n", "id": "i", "rev": 1} for n in range(1500)]
        connection.execute(sa.insert(Schema(PRODUCT).of(CHANGES)), more)
    engine.dispose()
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request, tmp_path):
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/{uuid.uuid4().hex}.db"
    return fresh_postgres(request.getfixturevalue("postgres_url"))


def dumped(url):
    file = io.BytesIO()
    dump(url, file)
    return file.getvalue()


def changed(content, change):
    lines = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    change(lines)
    return gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines))


class TestRows:
    def test_go_through_either_database_and_come_out_the_same(self, filled, empty):
        before = dumped(filled)

        loaded = load(empty, io.BytesIO(before))

        assert dumped(empty) == before
        assert loaded.revision == revisions()[-1]
        assert loaded.rows["job"] == 3
        assert loaded.rows["changes"] == 1503

    def test_what_was_loaded_is_opened_as_it_is(self, filled, empty, tmp_path):
        load(empty, io.BytesIO(dumped(filled)))

        migrate(empty, PRODUCT, tmp_path / "backups")

        assert not (tmp_path / "backups").exists()

    def test_a_database_with_rows_in_it_is_left_alone(self, filled, empty):
        content = dumped(filled)
        load(empty, io.BytesIO(content))

        with pytest.raises(DatabaseForeign, match="not empty"):
            load(empty, io.BytesIO(content))

        assert dumped(empty) == content

    def test_a_database_holds_what_was_loaded_until_something_changes(self, filled, empty):
        content = dumped(filled)
        assert not holds(empty, io.BytesIO(content))
        load(empty, io.BytesIO(content))

        assert holds(empty, io.BytesIO(content))
        other = changed(content, lambda lines: lines.pop(2))
        assert not holds(empty, io.BytesIO(other))

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda lines: lines.pop(), id="the end is missing"),
            pytest.param(lambda lines: lines.pop(2), id="a row is missing"),
            pytest.param(lambda lines: lines[0].update(schema=2), id="another schema"),
        ],
    )
    def test_damaged_ones_fill_nothing(self, filled, empty, change):
        content = changed(dumped(filled), change)

        with pytest.raises(BackupDamaged):
            load(empty, io.BytesIO(content))

        engine = sa.create_engine(empty)
        with engine.connect() as connection:
            assert sa.inspect(connection).get_table_names() == []
        engine.dispose()

    def test_of_a_newer_revision_are_refused(self, filled, empty):
        content = changed(dumped(filled), lambda lines: lines[0].update(revision="9999"))

        with pytest.raises(HomeTooNew, match="'9999'"):
            load(empty, io.BytesIO(content))
