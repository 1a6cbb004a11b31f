"""A master key is made once and whole, and never replaced while rows name it."""

from __future__ import annotations

import stat
import sys

import pytest
from pydantic import ValidationError

from pileus.security.errors import (
    MasterKeyLost,
    MasterKeyRefused,
    MasterKeyUnavailable,
    MasterKeyWrong,
)
from pileus.security.master_key import CommandMasterKey, FileMasterKey, source_of, unlock
from pileus.security.settings import SecuritySettings
from pileus.security.wrapping import MasterKey


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys" / "master.key"


@pytest.fixture
def source(path):
    return FileMasterKey(path)


def command(code):
    return CommandMasterKey(f"{sys.executable} -c '{code}'", 30)


class TestUnlock:
    def test_makes_a_key_where_none_was_ever_used(self, source, path):
        made = unlock(source, set(), makes=True)

        assert made is not None
        assert path.read_text() == made.secret.hex()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert unlock(source, {made.id}, makes=True) == made

    def test_makes_none_where_encryption_is_off(self, source, path):
        assert unlock(source, set(), makes=False) is None
        assert not path.exists()

    def test_a_lost_key_is_named_and_not_made_anew(self, source, path):
        with pytest.raises(MasterKeyLost, match="'mky_lost'"):
            unlock(source, {"mky_lost"}, makes=True)

        assert not path.exists()

    def test_a_wrong_key_is_named_with_the_right_one_and_not_overwritten(self, source, path):
        wrong = source.create()

        with pytest.raises(MasterKeyWrong, match=f"{wrong.id!r}.*'mky_right'"):
            unlock(source, {"mky_right"}, makes=True)

        assert source.load() == wrong


class TestSourceOf:
    def test_is_the_file_of_the_home_unless_settings_say_otherwise(self, tmp_path):
        here = source_of(SecuritySettings(), tmp_path)
        named = source_of(SecuritySettings(master_key_file=tmp_path / "k"), tmp_path)
        asked = source_of(SecuritySettings(master_key_command="pass show 'a key'"), tmp_path)

        assert here.where == repr(str(tmp_path / "keys" / "master.key"))
        assert named.where == repr(str(tmp_path / "k"))
        assert asked.where == "master_key_command 'pass'"

    @pytest.mark.parametrize("command", ["", "  ", "pass 'show"])
    def test_a_command_of_no_words_is_refused(self, command):
        with pytest.raises(ValidationError, match="master_key_command"):
            SecuritySettings(master_key_command=command)


class TestFile:
    def test_tells_what_rotations_prepared_and_kept(self, source, path):
        first = source.create()
        second = source.prepare(first)
        source.adopt(first)
        third = source.prepare(second)
        path.with_name("master.key.note").write_text("no key")

        found = {other.key.id: other.is_prepared for other in source.others()}

        assert found == {first.id: False, third.id: True}

    def test_that_others_can_read_is_refused(self, source, path):
        source.create()
        path.chmod(0o644)

        with pytest.raises(MasterKeyRefused, match="every user") as refused:
            source.load()
        assert "chmod 600" in refused.value.hint

    def test_that_holds_no_key_is_refused_without_showing_it(self, source, path):
        path.parent.mkdir()
        path.touch(0o600)
        path.write_text("secret but not a key")

        with pytest.raises(MasterKeyRefused) as refused:
            source.load()
        assert "secret" not in refused.value.message

    def test_a_rotation_keeps_the_old_key(self, source, path):
        old = source.create()
        new = source.prepare(old)
        assert source.load() == old

        kept = source.adopt(old)

        assert source.load() == new
        assert FileMasterKey(path.parent / kept).load() == old

    @pytest.mark.parametrize("is_committed", [True, False])
    def test_a_killed_rotation_is_finished_or_taken_back(self, source, path, is_committed):
        old = source.create()
        new = source.prepare(old)
        named = new if is_committed else old

        assert unlock(source, {named.id}, makes=True) == named
        assert source.load() == named
        assert not path.with_name("master.key.next").exists()

    def test_that_rows_from_before_a_rotation_name_is_used_again(self, source, path):
        old = source.create()
        new = source.prepare(old)
        source.adopt(old)

        assert unlock(source, {old.id}, makes=True) == old
        assert unlock(source, {new.id}, makes=True) == new


class TestCommand:
    def test_prints_the_key_in_hex_or_base64(self):
        key = MasterKey(b"A" * 32)

        assert command(f'print("{key.secret.hex()}")').load() == key
        assert command('import base64; print(base64.b64encode(b"A" * 32).decode())').load() == key

    @pytest.mark.parametrize(
        "code",
        ['import sys; sys.exit("vault is sealed")', "import time; time.sleep(60)"],
        ids=["fails", "hangs"],
    )
    def test_that_gives_no_key_says_why(self, code):
        source = CommandMasterKey(f"{sys.executable} -c '{code}'", 2)

        with pytest.raises(MasterKeyUnavailable, match=r"vault is sealed|timed out"):
            source.load()

    def test_that_is_not_there_says_so(self):
        with pytest.raises(MasterKeyUnavailable, match="no-such-program"):
            CommandMasterKey("no-such-program --key", 5).load()

    def test_a_rotation_needs_another_key_from_it(self):
        source = command('print("41" * 32)')

        with pytest.raises(MasterKeyRefused, match="still prints"):
            source.prepare(MasterKey(b"A" * 32))
        assert source.prepare(MasterKey(b"B" * 32)) == MasterKey(b"A" * 32)
