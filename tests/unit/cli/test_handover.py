import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from pileus.cli import handover

TELLS = """
import os, sys
from pileus.cli.handover import taken_over
told = taken_over(int(sys.argv[1]))
if told is not None:
    words, lock, output = told
    os.write(output, f"{words['home']} {os.fstat(lock).st_size}".encode())
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """A process that writes what it is told, in the place of the supervisor."""
    (tmp_path / "told.py").write_text(TELLS, "utf-8")
    monkeypatch.setattr(handover, "_MODULE", "told")
    monkeypatch.setattr(handover, "_early", None)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "lock"
    path.write_bytes(b"1234567")
    with path.open("rb") as file:
        yield file.fileno()


def written(tmp_path, lock):
    """The process that was told, and what it wrote."""
    with (tmp_path / "output").open("wb") as output:
        process = handover.hand_over({"home": "/x"}, lock, output.fileno())
    assert process.wait(20) == 0
    return process, (tmp_path / "output").read_text("utf-8")


class TestHandOver:
    def test_without_an_early_one_it_starts_a_process(self, tmp_path, lock):
        assert written(tmp_path, lock)[1] == "/x 7"

    def test_the_early_one_is_told(self, tmp_path, lock):
        handover.start_early()
        early = handover._early.process

        process, text = written(tmp_path, lock)

        assert process is early
        assert text == "/x 7"

    def test_an_early_one_that_died_is_replaced(self, tmp_path, lock):
        handover.start_early()
        early = handover._early.process
        early.send_signal(signal.SIGKILL)
        early.wait(20)

        process, text = written(tmp_path, lock)

        assert process is not early
        assert text == "/x 7"


class TestTakenOver:
    def test_a_process_that_nobody_tells_ends_with_the_one_that_started_it(self, tmp_path):
        script = (
            "from pileus.cli import handover\n"
            "handover._MODULE = 'told'\n"
            "handover.start_early()\n"
            "print(handover._early.process.pid)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20
        )

        assert _ended(int(done.stdout))


def _ended(pid):
    """Whether a process that is not our child ends in time; one that nobody reaped has ended."""
    for _ in range(1000):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
