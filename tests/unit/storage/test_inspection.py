import sqlite3
from contextlib import closing

import pytest

from pileus.storage.inspection import inspect


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0007')")
        connection.execute("CREATE TABLE many (x)")
        connection.executemany("INSERT INTO many VALUES (?)", [("x" * 500,)] * 2000)
    return path


class TestInspect:
    def test_one_at_rest_is_read_and_nothing_is_put_beside_it(self, path):
        found = inspect(path)

        assert (found.revision, found.problem, found.is_complete) == ("0007", None, True)
        assert [one.name for one in path.parent.iterdir()] == ["x.db"]

    def test_one_in_use_is_read_with_what_its_log_holds(self, path):
        with closing(sqlite3.connect(path)) as writer:
            with writer:
                writer.execute("UPDATE alembic_version SET version_num = '0008'")

            found = inspect(path)

        assert found.revision == "0008"
        assert found.wal_bytes > 0

    def test_what_is_no_database_is_damaged(self, path):
        path.write_bytes(b"not a database" * 1000)

        assert "not a database" in inspect(path).problem

    def test_a_page_that_was_overwritten_is_found(self, path):
        with path.open("r+b") as file:
            file.seek(4096 * 20)
            file.write(b"\xff" * 4096)

        assert inspect(path).problem

    def test_time_is_bounded_and_an_unfinished_look_says_so(self, path, monkeypatch):
        monkeypatch.setattr("pileus.storage.inspection._STEPS", 1)

        found = inspect(path, seconds=-1)

        assert (found.problem, found.is_complete) == (None, False)
