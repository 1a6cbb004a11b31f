"""A failpoint is nothing at all, until a test asks for a death."""

import signal
import subprocess
import sys

import pytest

from pileus.core.failpoints import VARIABLE, environment, failpoint

PROGRAM = (
    "from pileus.core.failpoints import failpoint\n"
    "for step in range(4):\n"
    "    print(step, flush=True)\n"
    "    failpoint('between')\n"
)


@pytest.fixture
def run(tmp_path):
    def run():
        return subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={VARIABLE: str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


class TestFailpoint:
    def test_a_process_that_is_not_tested_has_none(self):
        failpoint("between")

        assert environment() == {}

    def test_a_directory_without_its_file_lets_everyone_pass(self, run):
        assert run().returncode == 0

    def test_the_process_dies_there_once_and_the_next_one_passes(self, run, tmp_path):
        (tmp_path / "between").touch()

        first, second = run(), run()

        assert (first.returncode, first.stdout) == (-signal.SIGKILL, "0\n")
        assert second.returncode == 0
        assert (tmp_path / "between.taken").exists()

    def test_a_number_lets_as_many_pass_before(self, run, tmp_path):
        (tmp_path / "between").write_text("2")

        assert run().stdout == "0\n1\n2\n"
