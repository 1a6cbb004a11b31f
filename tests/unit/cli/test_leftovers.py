import subprocess
import sys
from pathlib import Path

import pytest

from pileus.cli import leftovers
from pileus.cli.home import Home, replace
from pileus.cli.leftovers import end_leftovers, remove_half_written
from pileus.compute.processes import boot_id, start_ticks
from pileus.gateway.files import replace_file
from pileus.security.tokens import replace_secret

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
        process = start()
        home.write("processes.json", {"server": report(process.pid)})

        end_leftovers(home)

        assert process.wait(5) is not None

    @pytest.mark.parametrize(
        "differs",
        [
            {"start_ticks": 1},
            {"start_ticks": 0},
            {"boot_id": "another"},
            {"pid": None, "start_ticks": None},
        ],
    )
    def test_a_number_that_went_to_somebody_else_is_left_alone(self, home, start, differs):
        process = start()
        home.write("processes.json", {"server": report(process.pid) | differs})

        end_leftovers(home)

        assert leftovers.leftovers(home) == {}
        assert process.poll() is None

    def test_what_an_older_version_wrote_is_nobodys(self, home, start):
        process = start()
        home.write("processes.json", {"server": {"pid": process.pid, "state": "running"}})

        assert leftovers.leftovers(home) == {}


class TestHalfWritten:
    @pytest.mark.parametrize("write", [replace_file, replace_secret, replace])
    def test_what_a_kill_kept_from_its_name_is_removed(self, home, monkeypatch, write):
        path = home.run / "tokens.json"
        monkeypatch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write(path, b"{}" if write is replace_file else "{}")
        (half,) = home.run.glob(".*")

        remove_half_written(home)

        assert not half.exists()

    def test_other_files_stay(self, home):
        kept = [home.path / ".gitignore", home.run / "tokens.json", home.path / ".env.2024"]
        for path in kept:
            path.touch()

        remove_half_written(home)

        assert all(path.exists() for path in kept)


def report(pid):
    return {"pid": pid, "boot_id": boot_id(), "start_ticks": start_ticks(pid)}


def killed(*_):
    raise KeyboardInterrupt
