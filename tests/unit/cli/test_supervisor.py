"""The supervisor as a process of its own, over stub programs."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pileus.cli.home import Home

SUPERVISOR = """
import sys
from pathlib import Path
from pileus.cli.child import Program
from pileus.cli.home import Home
from pileus.cli.supervisor import Supervisor

home = Home(Path(sys.argv[1]))
programs = [Program(n, (sys.executable, "-c", code)) for n, code in
            zip(sys.argv[2::2], sys.argv[3::2])]
# stdin is the pipe of a parent.
Supervisor(home, programs, lambda: print("resting", flush=True), 0, 0.5).run()
print("ended", flush=True)
"""

# Waits for the end of its pipe, as every process of ours does.
WAITS = "import os, sys; os.read(int(sys.argv[sys.argv.index('--supervisor-fd') + 1]), 1)"
IGNORES = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('ready', flush=True); time.sleep(60)"
)
DIES = "import sys; sys.exit('no such setting')"


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.prepare()
    return made


@contextmanager
def supervising(home, *programs):
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(home.path), *programs],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def wait_for(look, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found


def pid_of(home, name):
    return wait_for(lambda: home.read("pids.json").get(name))


def lives(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


class TestRestart:
    def test_a_killed_child_is_back_within_a_second(self, home):
        with supervising(home, "server", WAITS):
            first = pid_of(home, "server")

            os.kill(first, signal.SIGKILL)
            began = time.monotonic()
            wait_for(lambda: home.read("pids.json").get("server") not in {None, first})

            assert time.monotonic() - began < 1
            assert home.read("processes.json")["server"]["reason"] == "killed by signal 9"

    def test_a_child_that_dies_at_once_is_reported_with_its_last_words(self, home):
        with supervising(home, "server", DIES):
            report = wait_for(
                lambda: (
                    (r := home.read("processes.json").get("server"))
                    and r["state"] == "crash_loop"
                    and r
                )
            )

        assert report["reason"] == "ended with exit code 1: no such setting"

    def test_the_others_stay_when_one_dies(self, home):
        with supervising(home, "server", WAITS, "gateway", WAITS):
            server, gateway = pid_of(home, "server"), pid_of(home, "gateway")

            os.kill(server, signal.SIGKILL)
            wait_for(lambda: home.read("pids.json").get("server") not in {None, server})

            assert home.read("pids.json")["gateway"] == gateway


class TestStop:
    @pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_brings_everything_to_rest_and_stops_it(self, home, signum):
        with supervising(home, "server", WAITS, "gateway", WAITS) as process:
            pids = [pid_of(home, "server"), pid_of(home, "gateway")]

            process.send_signal(signum)
            assert process.wait(5) == 0
            said = process.stdout.read()

        assert said.split() == ["resting", "ended"]
        assert not any(lives(pid) for pid in pids)
        assert home.read("pids.json") == {}

    def test_children_notice_that_the_supervisor_was_killed(self, home):
        with supervising(home, "server", WAITS, "gateway", WAITS) as process:
            pids = [pid_of(home, "server"), pid_of(home, "gateway")]

            process.kill()
            process.wait()

            # Nobody reaps them here, so a zombie counts as ended.
            wait_for(lambda: all(not lives(pid) or is_zombie(pid) for pid in pids))


def is_zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class TestParent:
    def test_the_end_of_the_parent_stops_everything(self, home):
        with supervising(home, "server", WAITS) as process:
            pid = pid_of(home, "server")

            process.stdin.close()

            assert process.wait(5) == 0
            assert not lives(pid)

    def test_a_child_that_does_not_stop_is_killed(self, home):
        with supervising(home, "server", IGNORES) as process:
            pid = pid_of(home, "server")
            wait_for(lambda: b"ready" in (home.logs / "server.log").read_bytes())

            process.send_signal(signal.SIGTERM)

            assert process.wait(5) == 0
            assert not lives(pid)


class TestPublishing:
    def test_process_ids_name_the_supervisor(self, home):
        with supervising(home, "server", WAITS) as process:
            pid_of(home, "server")

            assert json.loads((home.run / "pids.json").read_text())["supervisor"] == process.pid
