import subprocess
import sys
from pathlib import Path

import pytest

from pileus.core.directory_locks import lock_directory
from pileus.core.staging import remove_abandoned, staging_directory

KILLED = """
import os, pathlib, signal, sys
from pileus.core.staging import staging_directory

with staging_directory(pathlib.Path(sys.argv[1])) as path:
    (path / "pack").write_bytes(b"plain")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def without_locks(descriptor, operation):
    raise OSError("no locks here")


class TestStagingDirectory:
    def test_it_goes_with_what_is_in_it(self, tmp_path):
        with staging_directory(tmp_path) as path:
            (path / "pack").write_bytes(b"plain")
            assert path.parent == tmp_path
            assert path.stat().st_mode & 0o777 == 0o700

        assert list(tmp_path.iterdir()) == []

    def test_there_is_none_in_the_home_of_somebody_else(self, tmp_path, monkeypatch):
        monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)

        with pytest.raises(PermissionError), staging_directory(tmp_path):
            pass

        assert list(tmp_path.iterdir()) == []

    def test_there_is_none_where_directories_cannot_be_locked(self, tmp_path, monkeypatch):
        monkeypatch.setattr("fcntl.flock", without_locks)

        with pytest.raises(OSError, match="no locks"), staging_directory(tmp_path):
            pass

        assert list(tmp_path.iterdir()) == []

    def test_without_a_home_there_is_none(self, tmp_path):
        with pytest.raises(FileNotFoundError), staging_directory(tmp_path / "absent"):
            pass


class TestRemoveAbandoned:
    def test_what_a_killed_client_left_goes_and_what_is_in_use_stays(self, tmp_path):
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
        (left,) = tmp_path.iterdir()

        with staging_directory(tmp_path) as used:
            gone = remove_abandoned(tmp_path)

            assert gone == 1
            assert list(tmp_path.iterdir()) == [used]
            assert left != used

    def test_what_cannot_be_locked_stays_and_hinders_nobody(self, tmp_path, monkeypatch):
        (tmp_path / ("a" * 32)).mkdir()
        monkeypatch.setattr("fcntl.flock", without_locks)

        assert remove_abandoned(tmp_path) == 0
        assert len(list(tmp_path.iterdir())) == 1

    def test_what_nobody_here_made_stays(self, tmp_path):
        (tmp_path / "notes").mkdir()
        (tmp_path / ("a" * 32)).write_text("a file")

        assert remove_abandoned(tmp_path) == 0
        assert len(list(tmp_path.iterdir())) == 2

    def test_no_root_is_nothing_to_remove(self, tmp_path):
        assert remove_abandoned(tmp_path / "absent") == 0

    def test_a_directory_removed_before_it_was_locked_is_made_anew(self, tmp_path, monkeypatch):
        made: list[Path] = []

        def late(path: Path) -> int | None:
            made.append(path)
            if len(made) == 1:
                path.rmdir()
            return lock_directory(path)

        monkeypatch.setattr("pileus.core.staging.lock_directory", late)

        with staging_directory(tmp_path) as path:
            assert path.is_dir()
            assert [path] == made[1:]
