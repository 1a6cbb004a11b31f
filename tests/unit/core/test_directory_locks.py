import os
import subprocess
import sys

import pytest

from pileus.core.directory_locks import lock_directory

KILLED = (
    "import os, signal, sys\n"
    "from pathlib import Path\n"
    "from pileus.core.directory_locks import lock_directory\n"
    "assert lock_directory(Path(sys.argv[1])) is not None\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)


class TestLockDirectory:
    def test_one_holds_it_at_a_time(self, tmp_path):
        held = lock_directory(tmp_path)

        assert held is not None
        assert lock_directory(tmp_path) is None
        os.close(held)
        again = lock_directory(tmp_path)
        assert again is not None
        os.close(again)

    def test_it_goes_with_a_killed_process(self, tmp_path):
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)

        held = lock_directory(tmp_path)
        assert held is not None
        os.close(held)

    def test_of_one_that_is_gone_there_is_none(self, tmp_path):
        assert lock_directory(tmp_path / "absent") is None

    def test_a_link_is_not_followed(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")

        with pytest.raises(OSError, match="link"):
            lock_directory(tmp_path / "link")

    def test_a_system_without_locks_says_so(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "fcntl", None)

        with pytest.raises(OSError, match="cannot be locked"):
            lock_directory(tmp_path)
