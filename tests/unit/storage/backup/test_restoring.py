"""Damaged, newer, in the way: what a restore refuses, and that it leaves nothing then."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from pileus.core.errors import PileusError
from pileus.storage.backup.archive import DirectoryArchive
from pileus.storage.backup.errors import BackupDamaged, BackupTooNew, HomeNotEmpty
from pileus.storage.backup.point import Kept
from pileus.storage.backup.restoring import restore, verify
from pileus.storage.errors import DatabaseForeign, HomeTooNew
from tests.unit.storage.backup.test_taking import home, take, url  # noqa: F401  a fixture


@pytest.fixture
def archive(home, tmp_path):  # noqa: F811  the fixture above
    archive = DirectoryArchive(tmp_path / "to")
    take(home, archive)
    return archive


def object_of(archive, point, path):
    digest = next(one.digest for one in point.files if one.path == path)
    return archive._path(digest)


class TestDamage:
    def test_every_damaged_file_is_named_and_nothing_is_left(self, archive, tmp_path):
        point = archive.point()
        object_of(archive, point, "keys/token.key").write_text("secreT")
        object_of(archive, point, "pileus.toml").unlink()

        with pytest.raises(BackupDamaged, match=r"keys/token.key.*pileus.toml"):
            restore(archive, point, tmp_path / "back", url, 1)

        assert not (tmp_path / "back").exists()
        assert not list(tmp_path.glob(".back*"))

    def test_damaged_rows_are_named(self, archive, tmp_path):
        point = archive.point()
        archive._path(point.database.digest).write_bytes(b"\x1f\x8b")

        with pytest.raises(BackupDamaged, match="rows of the database"):
            verify(archive, point)
        with pytest.raises(BackupDamaged, match="rows of the database"):
            restore(archive, point, tmp_path / "back", url, 1)

    def test_a_document_that_was_changed_is_refused(self, archive, tmp_path):
        (path,) = (tmp_path / "to" / "backups").iterdir()
        path.write_text(path.read_text().replace("1.2.3", "1.2.4"))

        with pytest.raises(BackupDamaged, match="document"):
            archive.point()

    def test_a_whole_one_is_read_to_the_end(self, archive):
        assert verify(archive, archive.point()) == len(archive.point().digests)

    def test_a_path_that_leads_out_of_the_home_is_refused(self, archive, tmp_path):
        point = archive.point()
        evil = replace(point, files=(Kept("../evil", point.files[0].digest, 1, 0o600, 0),))

        with pytest.raises(BackupDamaged, match="outside"):
            restore(archive, evil, tmp_path / "back", url, 1)

        assert not (tmp_path / "evil").exists()


class TestRefused:
    def test_a_home_with_something_in_it(self, archive, tmp_path):
        back = tmp_path / "back"
        back.mkdir()
        (back / "mine").write_text("mine")

        with pytest.raises(HomeNotEmpty):
            restore(archive, archive.point(), back, url, 1)

        assert [path.name for path in back.iterdir()] == ["mine"]

    def test_a_newer_document(self, archive, tmp_path):
        (path,) = (tmp_path / "to" / "backups").iterdir()
        path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))

        with pytest.raises(BackupTooNew, match="schema 99"):
            archive.point()

    @pytest.mark.parametrize("part", ["revision", "layout"])
    def test_a_newer_home(self, archive, tmp_path, part):
        point = archive.point()
        newer = {
            "revision": replace(point, database=replace(point.database, revision="9999")),
            "layout": replace(point, home_schema=2),
        }[part]

        with pytest.raises((HomeTooNew, BackupTooNew)) as raised:
            restore(archive, newer, tmp_path / "back", url, 1)

        assert isinstance(raised.value, PileusError)
        assert not (tmp_path / "back").exists()


class TestPlace:
    def test_an_empty_directory_will_do(self, archive, tmp_path):
        (tmp_path / "back").mkdir()

        restore(archive, archive.point(), tmp_path / "back", url, 1)

        assert (tmp_path / "back" / "home.json").exists()

    def test_what_a_killed_restore_left_is_removed(self, archive, tmp_path):
        half = tmp_path / ".back.restoring"
        half.mkdir()
        (half / "half").write_text("half")

        restore(archive, archive.point(), tmp_path / "back", url, 1)

        assert not (tmp_path / "back" / "half").exists()
        assert not half.exists()

    def test_rows_that_a_killed_restore_has_loaded_elsewhere_are_taken_as_they_are(
        self, archive, tmp_path
    ):
        elsewhere = f"sqlite:///{tmp_path}/elsewhere.db"
        for name in ("killed", "repeated"):
            restore(archive, archive.point(), tmp_path / name, lambda _: elsewhere, 1)
        with closing(sqlite3.connect(tmp_path / "elsewhere.db")) as database:
            database.execute("update changes set rev = rev + 1")
            database.execute("insert into changes values (99, 'p', 'n', 'i', 1)")
            database.commit()

        with pytest.raises(DatabaseForeign, match="not empty"):
            restore(archive, archive.point(), tmp_path / "refused", lambda _: elsewhere, 1)

        assert (tmp_path / "repeated" / "home.json").exists()
        assert not (tmp_path / "refused").exists()
