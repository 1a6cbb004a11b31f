"""Hand-overs of a process of their own: pytest itself has threads, which a fork would not survive."""

import os
import subprocess
import sys
import time

import psutil
import pytest

TELLS = """
import os, sys
from pileus.cli.handover import taken_over

def main(arguments):
    told = taken_over(int(arguments[0]))
    if told is not None:
        words, lock, output = told
        size = os.fstat(lock).st_size
        said = [words["home"], size, os.getcwd(), os.getsid(0) == os.getpid(), *sys.path]
        os.write(output, " ".join(str(one) for one in said).encode())

if __name__ == "__main__":
    main(sys.argv[1:])
"""

PARENT = """
import os, sys
from pathlib import Path
from pileus.cli import handover

directory = Path(sys.argv[1])
handover._MODULE = "told"
lock = os.open(directory / "lock", os.O_RDONLY)
output = os.open(directory / "output", os.O_CREAT | os.O_WRONLY)
{before}
process = handover.hand_over({{"home": "/x"}}, lock, output)
assert process.wait(20) == 0
print({shown})
"""

EARLY = ["handover.Waiting.started()"]
if sys.platform == "linux":
    EARLY.append("handover.Waiting.forked()")


@pytest.fixture
def hand_over(tmp_path):
    """What a process of its own prints, and what the one that it told has written."""
    (tmp_path / "told.py").write_text(TELLS, "utf-8")
    (tmp_path / "lock").write_bytes(b"1234567")
    here = tmp_path / "here"
    here.mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}

    def run(before, shown=""):
        script = PARENT.format(before=before, shown=shown)
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not done.stderr
        return done.stdout.strip(), (tmp_path / "output").read_text("utf-8").split()

    return run


class TestHandOver:
    def test_without_an_early_one_it_starts_a_process(self, hand_over):
        assert hand_over("")[1][:2] == ["/x", "7"]

    def test_the_one_that_was_started_early_is_told(self, hand_over):
        printed, told = hand_over("handover.start_early()", "process is handover._early.process")

        assert printed == "True"
        assert told[:2] == ["/x", "7"]

    @pytest.mark.parametrize("early", EARLY)
    def test_it_stays_in_no_folder_and_no_session_of_who_started_it(self, hand_over, early):
        _, told = hand_over(f"handover._early = {early}")

        assert told[2:4] == ["/", "True"]

    @pytest.mark.parametrize("early", EARLY)
    def test_it_imports_nothing_from_the_folder_it_was_started_in(self, tmp_path, hand_over, early):
        _, told = hand_over(f"sys.path.insert(0, os.getcwd()); handover._early = {early}")

        assert str(tmp_path / "here") not in told[4:]
        assert str(tmp_path) in told[4:]

    @pytest.mark.parametrize("early", EARLY)
    def test_an_early_one_that_died_is_replaced(self, hand_over, early):
        printed, told = hand_over(
            f"handover._early = {early}\n"
            "early = handover._early.process\n"
            "early.send_signal(9)\n"
            "early.wait(20)",
            "process is not early",
        )

        assert printed == "True"
        assert told[:2] == ["/x", "7"]


class TestTakenOver:
    @pytest.mark.parametrize("early", EARLY)
    def test_a_process_that_nobody_tells_ends_with_the_one_that_started_it(self, early):
        script = (
            "import sys\n"
            "from pileus.cli import handover\n"
            f"handover._early = {early}\n"
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
