import subprocess
import sys

import pytest

from pileus.cli.starting import starts_an_installation


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


class TestStartsAnInstallation:
    @pytest.mark.parametrize(
        "line, whether",
        [
            ("up", True),
            ("up --port 0", True),
            ("--json --home /x up", True),
            ("--home=/x up", True),
            ("up --foreground", False),
            ("up -h", False),
            ("--home up status", False),
            ("dataset show up", False),
            ("", False),
        ],
    )
    def test_only_a_detached_up_does(self, line, whether):
        assert starts_an_installation(line.split()) is whether
