import subprocess
import sys

import pytest

from pileus.cli import leftovers
from pileus.cli.home import Home
from pileus.cli.leftovers import end_leftovers

IGNORES = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.prepare()
    return made


@pytest.fixture
def start():
    started = []

    def one(*arguments):
        started.append(subprocess.Popen([sys.executable, "-c", IGNORES, *arguments]))
        return started[-1]

    yield one
    for process in started:
        process.kill()
        process.wait()


class TestLeftovers:
    def test_a_process_of_the_home_that_does_not_end_is_killed(self, home, start, monkeypatch):
        monkeypatch.setattr(leftovers, "GRACE_SECONDS", 0.05)
        process = start("--home", str(home.path))
        home.write("pids.json", {"supervisor": 1, "server": process.pid})

        end_leftovers(home)

        assert process.wait(5) is not None

    def test_a_number_that_went_to_somebody_else_is_left_alone(self, home, start):
        process = start("--home", "/another")
        home.write("pids.json", {"server": process.pid})

        end_leftovers(home)

        assert process.poll() is None
