"""Backups of a small home: what they hold, what they leave out, what lies there already."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from pileus.server.tables import TABLES as PRODUCT
from pileus.storage.backup.archive import DirectoryArchive, TarArchive, archive_at
from pileus.storage.backup.errors import BackupNotFound, BackupRefused, BackupRunning
from pileus.storage.backup.restoring import restore
from pileus.storage.backup.taking import HOLDS, Backup
from pileus.storage.databases.sqlite import sqlite_engine
from pileus.storage.errors import DatabaseUnavailable
from pileus.storage.holds import is_held
from pileus.storage.migrate import migrate

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    files = {
        "home.json": json.dumps({"schema": 1}),
        "keys/token.key": "secret",
        "run/tokens.json": "{}",
        "run/pids.json": "{}",
        "lock": "",
        "logs/server.log": "noise",
        "blobs/prj_a/ab/abcd": "bytes of a blob",
        "blobs/incoming/half": "hal",
        f"staging/{'ab' * 16}/open": "plain",
        "gateway/meters/one": "counters",
        "gateway/bundles/big": "can be had again",
        "streams/att_a/stdout": "a live line",
        "worker/attempts/att_ended/exit.json": "{}",
        "worker/attempts/att_ended/out/model": "result",
        "worker/attempts/att_ended/inputs/data": "an input",
        "worker/attempts/att_running/runner.json": "{}",
        "pileus.toml": "[server]\nport = 1234\n",
        "state/somebody.else": "kept",
    }
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (home / "keys" / "token.key").chmod(0o600)
    (home / "blobs" / "prj_a" / "link").symlink_to(tmp_path)
    migrate(url(home), PRODUCT, tmp_path / "backups")
    return home


def url(home):
    return f"sqlite:///{home}/state/pileus.db"


def take(home, archive, later=0):
    with archive.writing() as sink:
        now = NOW + timedelta(seconds=later)
        return Backup(home, url(home), sink, lambda: now, "1.2.3").take()


class TestBackup:
    def test_keeps_what_cannot_be_had_again_and_nothing_else(self, home, tmp_path):
        point = take(home, DirectoryArchive(tmp_path / "to"))

        assert [one.path for one in point.files] == [
            "blobs/prj_a/ab/abcd",
            "gateway/meters/one",
            "home.json",
            "keys/token.key",
            "pileus.toml",
            "run/tokens.json",
            "state/somebody.else",
            "streams/att_a/stdout",
            "worker/attempts/att_ended/exit.json",
            "worker/attempts/att_ended/out/model",
        ]
        assert point.at == "2026-01-02T03:04:05.000000Z"
        assert point.database.kind == "sqlite"

    @pytest.mark.parametrize("name", ["to", "to.tar"])
    def test_comes_back_as_it_was(self, home, tmp_path, name):
        archive = archive_at(tmp_path / name)
        take(home, archive)
        back = tmp_path / "back"
        source = archive_at(tmp_path / name)

        restore(source, source.point(), back, url, home_schema=1)

        assert (back / "blobs/prj_a/ab/abcd").read_text() == "bytes of a blob"
        assert (back / "keys/token.key").stat().st_mode & 0o777 == 0o600
        assert not (back / "logs").exists()
        assert not list(tmp_path.glob(".back*"))

    def test_only_what_is_new_is_copied_again(self, home, tmp_path):
        first = take(home, DirectoryArchive(tmp_path / "to"))
        (home / "blobs/prj_a/ab/new").write_text("new bytes")

        second = take(home, DirectoryArchive(tmp_path / "to"), later=1)

        assert second.copied_bytes == len("new bytes")
        assert len(second.files) == len(first.files) + 1

    def test_a_blob_that_is_under_the_same_name_and_other_is_copied(self, home, tmp_path):
        take(home, DirectoryArchive(tmp_path / "to"))
        (home / "blobs/prj_a/ab/abcd").write_text("BYTES of a blob")

        second = take(home, DirectoryArchive(tmp_path / "to"), later=1)

        assert second.copied_bytes == len("BYTES of a blob")

    def test_one_that_fails_leaves_the_earlier_one_and_no_hold(self, home, tmp_path):
        archive = DirectoryArchive(tmp_path / "to")
        first = take(home, archive)
        with sqlite_engine(home / "state" / "pileus.db").begin() as connection:
            connection.execute(sa.text("DROP TABLE alembic_version"))

        with pytest.raises(DatabaseUnavailable):
            take(home, archive, later=1)

        assert archive.points() == [first.id]
        assert not is_held(home / HOLDS)

    def test_a_tar_file_that_fails_is_not_there(self, home, tmp_path):
        (home / "state" / "pileus.db").unlink()

        with pytest.raises(DatabaseUnavailable):
            take(home, TarArchive(tmp_path / "to.tar"))

        assert not list(tmp_path.glob("*to.tar*"))

    def test_holds_while_it_reads(self, home, tmp_path):
        seen = []
        with DirectoryArchive(tmp_path / "to").writing() as sink:
            count = lambda _: seen.append(is_held(home / HOLDS))  # noqa: E731  a callback
            Backup(home, url(home), sink, lambda: NOW, "1", count).take()

        assert seen
        assert all(seen)

    def test_what_is_no_home_is_refused(self, home, tmp_path):
        (home / "home.json").unlink()

        with pytest.raises(BackupRefused, match="not the home"):
            take(home, DirectoryArchive(tmp_path / "to"))


class TestArchive:
    def test_a_directory_of_somebody_else_is_refused(self, home, tmp_path):
        with pytest.raises(BackupRefused, match="other things"):
            take(home, DirectoryArchive(home))

    def test_a_tar_file_that_is_there_is_not_written_over(self, home, tmp_path):
        (tmp_path / "to.tar").write_text("mine")

        with pytest.raises(BackupRefused, match="there already"):
            take(home, TarArchive(tmp_path / "to.tar"))

        assert (tmp_path / "to.tar").read_text() == "mine"

    def test_two_at_once_are_refused(self, tmp_path):
        with (
            DirectoryArchive(tmp_path / "to").writing(),
            pytest.raises(BackupRunning),
            DirectoryArchive(tmp_path / "to").writing(),
        ):
            pass

    def test_an_object_without_a_document_is_no_backup(self, tmp_path):
        archive = DirectoryArchive(tmp_path / "to")
        with archive.writing() as sink:
            sink.add(io.BytesIO(b"left by a killed backup"))

        with pytest.raises(BackupNotFound, match="no whole backup"):
            archive.point()
