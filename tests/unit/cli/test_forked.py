"""Forks of a process of their own: pytest itself has threads and handlers of its own."""

import signal
import subprocess
import sys

import pytest

PARENT = """
import os, signal, subprocess, sys, time
from pathlib import Path
from pileus.cli.forked import Forked
from pileus.core.logs import setup

directory = Path(sys.argv[1])

def noted(signum, frame):
    (directory / "noted").touch()

def main(words):
    {body}
    return 0

signal.signal(signal.SIGTERM, noted)
readable, writable = os.pipe()
secret = os.open(directory / "secret", os.O_CREAT | os.O_RDWR)
output = os.open(directory / "output", os.O_CREAT | os.O_WRONLY)
one = Forked(main, ["server", "--port", "1"], output, readable)
{then}
print(one.wait(10), os.getpid())
"""


@pytest.fixture
def fork(tmp_path):
    def run(body, then=""):
        done = subprocess.run(
            [sys.executable, "-c", PARENT.format(body=body, then=then), str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert not done.stderr
        return int(done.stdout.split()[0])

    return run


def said(tmp_path):
    return (tmp_path / "output").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux only")
class TestForked:
    def test_it_is_called_with_its_words_and_ends_with_its_code(self, tmp_path, fork):
        assert fork("print(words); return 7") == 7

        assert said(tmp_path) == "['server', '--port', '1']\n"

    def test_an_exit_is_its_code(self, fork):
        assert fork("sys.exit(5)") == 5

    def test_an_exception_is_said_and_no_success(self, tmp_path, fork):
        assert fork("raise KeyError('lost')") == 1

        assert said(tmp_path).endswith("KeyError: 'lost'\n")

    def test_it_holds_nothing_of_the_parent_but_the_pipe(self, tmp_path, fork):
        fork("print(*os.listdir('/proc/self/fd')); print(readable)")

        held, pipe = said(tmp_path).splitlines()
        # Three of every process, the pipe, and the directory that is being listed.
        assert len(held.split()) == 5
        assert pipe in held.split()

    def test_it_is_a_session_of_its_own_and_has_a_name(self, tmp_path, fork):
        fork("print(os.getsid(0) == os.getpid(), Path('/proc/self/comm').read_text())")

        assert said(tmp_path).split() == ["True", "pileus-server"]

    def test_a_signal_meets_it_and_not_the_handlers_of_the_parent(self, tmp_path, fork):
        code = fork("os.read(readable, 1)", "one.send_signal(signal.SIGTERM)")

        assert code == -signal.SIGTERM
        assert not (tmp_path / "noted").exists()

    def test_one_that_goes_on_is_waited_for_no_longer_than_asked(self, fork):
        code = fork(
            "time.sleep(60)",
            "try:\n    one.wait(0.1)\nexcept subprocess.TimeoutExpired:\n    one.send_signal(9)",
        )

        assert code == -signal.SIGKILL

    def test_it_notices_the_end_of_the_parent(self, tmp_path, fork):
        body = "os.read(readable, 1); (directory / 'noticed').touch()"

        assert fork(body, "os.close(writable)") == 0
        assert (tmp_path / "noticed").exists()


def test_what_is_shared_starts_no_thread():
    program = (
        "import threading\n"
        "from pileus.cli.forked import warm_up, warm_up_for_clients\n"
        "print(warm_up())\n"
        "warm_up_for_clients()\n"
        "print(threading.active_count())"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [str(sys.platform == "linux"), "1"]
