import subprocess
import sys

import pytest


class TestCarryLittle:
    @pytest.mark.parametrize("module", ["pygments", "httpx._main"])
    def test_a_command_that_talks_to_a_server_carries_no_second_command_line(
        self, module, tmp_path
    ):
        script = (
            "import sys\n"
            "from pileus import __main__ as entry\n"
            "try:\n"
            "    entry.main()\n"
            "except SystemExit:\n"
            f"    print('httpx' in sys.modules, sys.modules.get({module!r}) is None)\n"
        )
        words = [sys.executable, "-c", script, "--home", str(tmp_path), "job", "list"]

        done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=tmp_path)

        assert done.stdout.splitlines()[-1] == "True True"
