"""Real runners, started as the worker starts them."""

import json
import os
import signal
import subprocess
import time
from datetime import datetime

import pytest

from pileus.compute.files import replace_json
from pileus.compute.processes import start_ticks
from pileus.compute.runner import arguments_for
from pileus.compute.watch import LOOK_SECONDS
from tests.unit.compute.building import (
    is_alive,
    make_directory,
    make_launch,
    number_in,
    python,
    wait_until,
)


@pytest.fixture
def layout(tmp_path):
    return make_directory(tmp_path)


@pytest.fixture
def run(layout):
    started = []

    def start(*command, **fields):
        replace_json(layout.launch, make_launch(layout, *command, **fields).document())
        process = subprocess.Popen(
            arguments_for(layout.directory),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def exit_of(layout):
    return json.loads(layout.exit.read_text())


def renew(layout, fence_seconds, ago_seconds=0.0):
    confirmed_at = time.monotonic() - ago_seconds
    replace_json(layout.lease, {"confirmed_at": confirmed_at, "fence_seconds": fence_seconds})


class TestEnd:
    def test_the_exit_code_is_written(self, layout, run):
        run("sh", "-c", "echo out; echo err >&2; exit 3").wait()

        end = exit_of(layout)
        assert (end["code"], end["signal"], end["reason"]) == (3, None, "exited")
        assert end["schema"] == 1
        assert end["started_at"] < end["ended_at"]
        assert layout.stdout.read_text() == "out\n"
        assert layout.stderr.read_text() == "err\n"

    def test_use_of_memory_and_processor_is_written(self, layout, run):
        run(*python("x = bytearray(80 << 20); sum(range(3_000_000))")).wait()

        end = exit_of(layout)
        assert end["peak_rss_mib"] >= 80
        assert end["cpu_seconds"] > 0.02

    def test_a_signal_is_told_from_a_code(self, layout, run):
        run("sh", "-c", "kill -KILL $$").wait()

        end = exit_of(layout)
        assert (end["code"], end["signal"], end["reason"]) == (None, 9, "killed")

    def test_it_is_written_as_soon_as_the_command_ends(self, layout, run):
        run("true").wait()

        end = exit_of(layout)
        took = datetime.fromisoformat(end["ended_at"]) - datetime.fromisoformat(end["started_at"])
        assert took.total_seconds() < LOOK_SECONDS

    def test_what_the_command_left_running_is_ended(self, layout, run):
        run("sh", "-c", "sleep 60 & echo $! > pid").wait()

        assert not is_alive(number_in(layout.work / "pid"))

    def test_a_daemon_that_left_the_session_is_ended_too(self, layout, run):
        run("sh", "-c", "setsid sh -c 'echo $$ > pid; sleep 60' & sleep 0.3").wait()

        assert not is_alive(number_in(layout.work / "pid"))

    @pytest.mark.parametrize(
        "command, words",
        [
            (("no-such-program",), "'no-such-program' not found on the PATH"),
            (("/no/such/program",), "'/no/such/program' not found"),
            (("/etc/passwd",), "not executable"),
        ],
    )
    def test_a_command_that_cannot_start_says_why(self, layout, run, command, words):
        run(*command).wait()

        end = exit_of(layout)
        assert (end["code"], end["reason"]) == (None, "start_failed")
        assert words in end["message"]


class TestSurroundings:
    def test_the_command_has_its_directory_and_only_the_environment_it_was_given(
        self, layout, run, monkeypatch
    ):
        monkeypatch.setenv("SECRET", "no")

        run("sh", "-c", "pwd; env").wait()

        lines = layout.stdout.read_text().splitlines()
        assert lines[0] == str(layout.work)
        assert f"PILEUS_ATTEMPT_DIR={layout.directory}" in lines
        assert not any(line.startswith("SECRET") for line in lines)

    def test_the_command_leads_a_group_in_the_runners_session(self, layout, run):
        process = run(*python("import os; print(os.getpid(), os.getpgid(0), os.getsid(0))"))
        process.wait()

        pid, group, session = map(int, layout.stdout.read_text().split())
        assert pid == group
        assert session == process.pid

    def test_the_runner_says_who_it_is_before_the_command_starts(self, layout, run):
        process = run("cat", str(layout.runner))
        process.wait()

        said = json.loads(layout.stdout.read_text())
        assert said["pid"] == process.pid
        assert said["lease_token"] == "lease"
        assert said["start_ticks"] > start_ticks(1)


class TestStop:
    def test_the_attempt_is_asked_and_may_end_in_order(self, layout, run):
        process = run("sh", "-c", "trap 'echo saved; exit 0' TERM; echo up; sleep 60 & wait")
        wait_until(lambda: layout.stdout.exists() and layout.stdout.read_text() == "up\n")

        replace_json(layout.stop, {"reason": "preempt"})
        process.wait(5)

        assert layout.stdout.read_text() == "up\nsaved\n"
        assert (exit_of(layout)["code"], exit_of(layout)["reason"]) == (0, "preempt")

    def test_one_that_does_not_listen_is_killed_after_its_grace(self, layout, run):
        process = run("sh", "-c", "trap '' TERM; echo up; sleep 60; sleep 60", grace_seconds=0.3)
        wait_until(lambda: layout.stdout.exists() and layout.stdout.read_text() == "up\n")

        replace_json(layout.stop, {"reason": "cancel"})
        process.wait(5)

        assert (exit_of(layout)["signal"], exit_of(layout)["reason"]) == (9, "cancel")

    def test_a_stop_that_came_too_late_changes_nothing(self, layout, run):
        process = run(
            "sh", "-c", "trap 'exit 0' TERM; echo up; sleep 60 & wait", entry="some.module"
        )
        wait_until(lambda: layout.stdout.exists() and layout.stdout.read_text() == "up\n")
        replace_json(layout.result, {"schema": 1, "status": "succeeded"})

        replace_json(layout.stop, {"reason": "cancel"})
        process.wait(5)

        assert exit_of(layout)["reason"] == "exited"

    def test_a_timeout_stops_it(self, layout, run):
        run("sleep", "60", timeout_seconds=0.3).wait(5)

        assert (exit_of(layout)["signal"], exit_of(layout)["reason"]) == (15, "timeout")

    def test_a_shutdown_of_the_machine_preempts(self, layout, run):
        process = run("sleep", "60")
        wait_until(layout.stdout.exists)

        process.terminate()
        process.wait(5)

        assert exit_of(layout)["reason"] == "preempt"


class TestFence:
    def test_a_lease_that_is_not_renewed_ends_the_attempt(self, layout, run):
        renew(layout, fence_seconds=0.6)
        process = run("sh", "-c", "trap '' TERM; sleep 60", grace_seconds=60)

        process.wait(5)

        assert (exit_of(layout)["signal"], exit_of(layout)["reason"]) == (9, "fenced")

    def test_until_it_is_renewed_the_launch_says_the_lease(self, layout, run):
        process = run("sleep", "60", confirmed_at=time.monotonic(), fence_seconds=0.6)

        process.wait(5)

        assert exit_of(layout)["reason"] == "fenced"

    def test_a_renewal_that_can_not_be_read_any_more_still_holds(self, layout, run):
        renew(layout, fence_seconds=600.0)
        process = run("sleep", "2", confirmed_at=time.monotonic(), fence_seconds=1.0)
        wait_until(layout.stdout.exists)  # the lease is looked at before anything starts

        layout.lease.unlink()
        process.wait(5)

        assert exit_of(layout)["code"] == 0

    def test_a_lease_that_is_renewed_does_not(self, layout, run):
        process = run("sleep", "2", confirmed_at=time.monotonic(), fence_seconds=1.0)

        for _ in range(10):
            renew(layout, fence_seconds=1.0)
            time.sleep(0.2)
        process.wait(5)

        assert exit_of(layout)["code"] == 0

    def test_what_is_started_after_its_lease_ran_out_runs_nothing(self, layout, run):
        renew(layout, fence_seconds=600.0, ago_seconds=601.0)
        process = run("sh", "-c", "touch ran")

        process.wait(5)

        assert exit_of(layout)["reason"] == "fenced"
        assert not (layout.work / "ran").exists()

    def test_a_directory_that_was_removed_ends_it_without_a_word(self, layout, run):
        process = run("sh", "-c", "echo $$ > pid; sleep 60")
        wait_until(lambda: number_in(layout.work / "pid"))
        pid = number_in(layout.work / "pid")

        layout.directory.rename(layout.directory.with_name("gone"))
        process.wait(5)

        assert not is_alive(pid)
        assert not layout.directory.exists()


class TestOnce:
    def test_a_second_runner_leaves_the_attempt_to_the_first(self, layout, run):
        first = run("sh", "-c", "echo once; sleep 0.5")
        wait_until(layout.runner.exists)
        second = run("sh", "-c", "echo twice")

        assert second.wait(5) == 0
        first.wait(5)
        assert layout.stdout.read_text() == "once\n"
        assert json.loads(layout.runner.read_text())["pid"] == first.pid

    def test_an_attempt_that_ended_does_not_run_again(self, layout, run):
        run("sh", "-c", "echo once").wait()

        run("sh", "-c", "echo twice").wait()

        assert layout.stdout.read_text() == "once\n"

    def test_a_runner_without_a_launch_says_so(self, layout):
        process = subprocess.run(
            arguments_for(layout.directory), capture_output=True, text=True, check=False
        )

        assert process.returncode == 1
        assert "launch.json" in process.stderr


class TestOutliving:
    def test_a_runner_lives_when_whoever_started_it_is_killed(self, layout, tmp_path):
        replace_json(
            layout.launch, make_launch(layout, "sh", "-c", "sleep 0.5; echo done").document()
        )
        script = tmp_path / "starter.py"
        script.write_text(
            "import subprocess, sys, time\n"
            "from pathlib import Path\n"
            "from pileus.compute.runner import arguments_for\n"
            f"words = arguments_for(Path({str(layout.directory)!r}))\n"
            "subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL)\n"
            "time.sleep(60)\n"
        )
        starter = subprocess.Popen(python(f"exec(open({str(script)!r}).read())"))
        wait_until(layout.runner.exists)

        os.kill(starter.pid, signal.SIGKILL)
        starter.wait()
        wait_until(layout.exit.exists)

        assert exit_of(layout)["code"] == 0
        assert layout.stdout.read_text() == "done\n"
