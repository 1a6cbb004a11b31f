"""Keys that are lost, wrong, open to others or half rotated; each is found with its next step."""

import secrets
import sys
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from pileus.cli.doctor import encryption
from pileus.cli.doctor.finding import State
from pileus.cli.home import Home
from pileus.core.schemas.keys import BlobRewrite, ProjectKey, Purpose
from pileus.security.master_key import FileMasterKey
from pileus.security.tables import BLOB_REWRITES, PROJECT_KEYS
from pileus.security.wrapping import MasterKey
from pileus.storage.databases.sql_schema import Schema
from pileus.storage.databases.sqlite import sqlite_engine
from pileus.storage.rows import Rows
from pileus.storage.values import encode_record
from tests.unit.cli.doctor.building import made_home, only, says, scene, states

OK, WARN, FAIL, SKIP = State.OK, State.WARN, State.FAIL, State.SKIP
THEN = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    return made_home(tmp_path)


@pytest.fixture
def source(home):
    return FileMasterKey(home.path / "keys" / "master.key")


@pytest.fixture
def master(home, source):
    """The master key of a home with the keys of two projects."""
    made = source.create()
    store(
        home, [key(made, project, purpose) for project in ("prj_a", "prj_b") for purpose in Purpose]
    )
    return made


def key(master, project, purpose=Purpose.DATA):
    row = ProjectKey(
        id=f"key_{project}_{purpose}",
        project=project,
        created_at=THEN,
        purpose=purpose,
        wrapped=None,
        master="",
    )
    return master.wrap(row, secrets.token_bytes(32))


def rewrite(**changes):
    row = {"id": "brw_1", "project": "prj_a", "created_at": THEN, "requested_at": THEN}
    return BlobRewrite.model_validate(row | changes)


def store(home, keys, rewrites=()):
    schema = Schema([PROJECT_KEYS, BLOB_REWRITES])
    engine = sqlite_engine(home.path / "state" / "pileus.db")
    with engine.begin() as connection:
        schema.metadata.create_all(connection)
        for table, model, rows in (
            (PROJECT_KEYS, ProjectKey, keys),
            (BLOB_REWRITES, BlobRewrite, rewrites),
        ):
            to_record = Rows(table, model)._record
            for row in rows:
                connection.execute(
                    sa.insert(schema.of(table)).values(encode_record(table, to_record(row)))
                )
    engine.dispose()


def change(home, statement):
    engine = sqlite_engine(home.path / "state" / "pileus.db")
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def configure(home, text):
    (home.path / "pileus.toml").write_text(f"[security]\n{text}\n")


def found(home, **changes):
    return list(encryption.check(scene(home, **changes)))


class TestWell:
    def test_keys_that_open_are_counted_and_not_shown(self, home, master):
        [finding] = found(home)

        assert finding.state is OK
        assert "all 4 keys of 2 projects" in finding.found
        assert master.id in finding.found
        assert master.secret.hex() not in finding.found

    def test_nothing_is_changed(self, home, master):
        before = {path: path.stat().st_mtime_ns for path in sorted(home.path.rglob("*"))}

        found(home)

        assert {path: path.stat().st_mtime_ns for path in sorted(home.path.rglob("*"))} == before

    def test_beside_a_server_that_writes(self, home, master):
        engine = sqlite_engine(home.path / "state" / "pileus.db")
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE project_key SET rev = rev + 1"))

            assert states(found(home, asking=says({"master_key": master.id}))) == {OK}
        engine.dispose()

    def test_a_shredded_key_needs_no_master_key(self, home, master):
        change(
            home,
            "UPDATE project_key SET wrapped = NULL, master = 'mky_gone' WHERE project = 'prj_a'",
        )

        assert "all 2 keys of 1 project" in only(found(home), OK).found

    def test_a_home_that_has_encrypted_nothing_yet(self, home):
        assert "a start makes it" in only(found(home), SKIP).found

    def test_a_key_that_nothing_needs_yet(self, home, source):
        source.create()

        assert "no key needs it yet" in only(found(home), OK).found

    def test_encryption_that_is_off(self, home):
        configure(home, "encrypt_blobs = false")

        assert "not encrypted" in only(found(home), SKIP).found

    def test_encryption_that_was_switched_off_still_needs_its_keys(self, home, master, source):
        configure(home, "encrypt_blobs = false")

        assert states(found(home)) == {OK}
        (home.path / "keys" / "master.key").unlink()
        assert states(found(home)) == {FAIL}

    def test_no_home(self, tmp_path):
        assert states(found(Home(tmp_path / "nothing"))) == {SKIP}

    def test_a_command_that_prints_the_key(self, home, master, tmp_path):
        (home.path / "keys" / "master.key").unlink()
        command = tmp_path / "print-key"
        command.write_text(f"#!/bin/sh\necho {master.secret.hex()}\n")
        command.chmod(0o700)
        configure(home, f'master_key_command = "{command}"')

        assert "all 4 keys" in only(found(home), OK).found


class TestIll:
    def test_a_file_that_others_can_read(self, home, master):
        (home.path / "keys" / "master.key").chmod(0o604)

        finding = only(found(home), FAIL)

        assert "every user" in finding.found
        assert "chmod 600" in finding.hint

    def test_a_file_that_holds_no_key(self, home, master):
        (home.path / "keys" / "master.key").write_text("secret")

        finding = only(found(home), FAIL)

        assert "6 characters" in finding.found
        assert "secret" not in finding.found
        assert "64 hexadecimal digits" in finding.hint

    def test_a_key_that_is_lost(self, home, master):
        (home.path / "keys" / "master.key").unlink()

        finding = only(found(home), FAIL)

        assert master.id in finding.found
        assert "backup" in finding.hint
        assert "rotate" not in finding.hint

    def test_a_key_that_only_the_running_server_knows(self, home, master):
        (home.path / "keys" / "master.key").unlink()

        finding = only(found(home, asking=says({"master_key": master.id})), FAIL)

        assert "still knows it" in finding.found
        assert "before the server stops, run `pileus key rotate --master`" in finding.hint

    def test_another_key(self, home, master):
        other = MasterKey.fresh()
        (home.path / "keys" / "master.key").write_text(other.secret.hex())

        finding = only(found(home), FAIL)

        assert other.id in finding.found
        assert master.id in finding.found

    def test_rows_that_were_altered(self, home, master):
        change(home, "UPDATE project_key SET project = 'prj_c' WHERE id = 'key_prj_a_data'")
        change(home, "UPDATE project_key SET wrapped = '1:?' WHERE id = 'key_prj_b_data'")

        finding = only(found(home), FAIL)

        assert "'key_prj_a_data', 'key_prj_b_data'" in finding.found
        assert "backup" in finding.hint

    def test_keys_under_two_master_keys(self, home, master):
        store(home, [key(MasterKey.fresh(), "prj_c")])

        assert "more than one master key" in only(found(home), FAIL).found

    @pytest.mark.parametrize(
        "command, said",
        [("/no/such/program", "No such file"), (f"{sys.executable} -c 'exit(3)'", "exit code 3")],
    )
    def test_a_command_that_fails(self, home, master, command, said):
        configure(home, f'master_key_command = "{command}"')

        finding = only(found(home), FAIL)

        assert said in finding.found
        assert "by hand" in finding.hint

    def test_settings_that_cannot_be_read(self, home, master):
        configure(home, 'master_key_comand = "x"')

        assert "master_key_command" in only(found(home), FAIL).hint

    def test_a_database_that_is_not_there(self, home, master):
        (home.path / "state" / "pileus.db").unlink()

        assert "no database" in only(found(home), SKIP).found


class TestUnfinished:
    @pytest.mark.parametrize("is_up", [False, True])
    def test_a_rotation_that_was_not_committed(self, home, master, source, is_up):
        source.prepare(master)

        here = scene(home)
        here.is_up = is_up
        finding = only(encryption.check(here), WARN)

        assert "begun and not finished" in finding.found
        assert "pileus key rotate --master" in finding.hint
        assert ("pileus up" in finding.hint) is not is_up

    def test_a_rotation_that_was_committed_and_not_adopted(self, home, source):
        before = source.create()
        after = source.prepare(before)
        store(home, [key(after, "prj_a")])

        findings = found(home)

        assert after.id in only(findings, WARN).found
        assert "pileus up" in only(findings, WARN).hint
        assert "opens all 1 keys" in only(findings, OK).found

    def test_a_database_from_before_a_rotation(self, home, master, source):
        source.prepare(master)
        kept = source.adopt(master)

        finding = only(found(home), WARN)

        assert kept in finding.found

    def test_a_finished_rotation_is_none(self, home, source):
        before = source.create()
        after = source.prepare(before)
        source.adopt(before)
        store(home, [key(after, "prj_a")])

        assert states(found(home)) == {OK}

    @pytest.mark.parametrize("is_up, expected", [(False, WARN), (True, OK)])
    def test_blobs_that_are_still_rewritten(self, home, master, is_up, expected):
        store(home, [], [rewrite()])
        here = scene(home)
        here.is_up = is_up

        finding = list(encryption.check(here))[-1]

        assert finding.state is expected
        assert "'prj_a'" in finding.found

    def test_blobs_that_could_not_be_rewritten(self, home, master):
        store(home, [], [rewrite(finished_at=THEN, done=5, failed=2)])

        finding = only(found(home), WARN)

        assert "2 blobs" in finding.found
        assert "pileus key encrypt" in finding.hint
