"""Real runners whose attempts ask for too much."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from pileus.compute.executors.process import ProcessExecutor
from pileus.compute.files import replace_json
from pileus.compute.limits.amounts import Limits
from pileus.compute.runner import arguments_for
from tests.unit.compute.building import (
    is_alive,
    json_in,
    make_directory,
    make_launch,
    number_in,
    python,
    wait_until,
)

HUNGRY = "import time\nx = []\nwhile True: x.append(bytearray(4 << 20)); time.sleep(0.01)"
SHARED = """
import os, time
x = bytearray(120 << 20)
for _ in range(4):
    if os.fork() == 0:
        time.sleep(0.8)
        while not os.path.exists("seen"):
            time.sleep(0.01)
        os._exit(0)
for _ in range(4):
    os.wait()
"""
FAMILY = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        x = bytearray(60 << 20)
        time.sleep(30)
time.sleep(30)
"""


@pytest.fixture
def layout(tmp_path):
    return make_directory(tmp_path)


@pytest.fixture
def run(layout):
    started = []

    def start(*command, **fields):
        replace_json(layout.launch, make_launch(layout, *command, **fields).document())
        process = subprocess.Popen(
            arguments_for(layout.directory), stdout=subprocess.DEVNULL, start_new_session=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


class TestMemory:
    def test_what_grows_beyond_it_is_ended_and_told_with_its_peak(self, layout, run):
        run(*python(HUNGRY), limits=Limits(memory_mib=128)).wait(20)

        end = json_in(layout.exit)
        assert (end["reason"], end["signal"]) == ("out_of_memory", 9)
        assert 128 < end["peak_memory_mib"] < 1024

    def test_processes_of_an_attempt_count_together(self, layout, run):
        run(*python(FAMILY), limits=Limits(memory_mib=128)).wait(20)

        assert json_in(layout.exit)["reason"] == "out_of_memory"

    def test_pages_that_forks_share_count_once(self, layout, run):
        (layout.work / "seen").touch()
        run(*python(SHARED), limits=Limits(memory_mib=200)).wait(20)

        end = json_in(layout.exit)
        assert (end["reason"], end["code"]) == ("exited", 0)
        assert end["peak_memory_mib"] >= 120

    def test_address_space_that_is_not_used_does_not_count(self, layout, run):
        maps = "import mmap, time; m = mmap.mmap(-1, 4 << 30); time.sleep(0.5)"

        run(*python(maps), limits=Limits(memory_mib=64)).wait(20)

        assert json_in(layout.exit)["code"] == 0

    def test_it_holds_without_the_worker_that_started_it(self, layout):
        go = layout.work / "go"
        waits = f"import os, time\nwhile not os.path.exists('go'): time.sleep(0.02)\n{HUNGRY}"
        replace_json(
            layout.launch,
            make_launch(layout, *python(waits), limits=Limits(memory_mib=96)).document(),
        )
        words = arguments_for(layout.directory)
        starter = subprocess.Popen(
            python(
                "import subprocess, time\n"
                f"subprocess.Popen({words!r}, start_new_session=True, stdout=subprocess.DEVNULL)\n"
                "time.sleep(60)"
            )
        )
        wait_until(layout.runner.exists)
        starter.kill()
        starter.wait()

        adopted = ProcessExecutor({}).state(layout.directory, "lease")
        go.touch()
        wait_until(layout.exit.exists, 20)

        assert adopted.phase.value == "running"
        assert json_in(layout.exit)["reason"] == "out_of_memory"


class TestTime:
    def test_a_timeout_holds_without_the_worker_that_set_it(self, layout):
        launch = make_launch(layout, "sleep", "60", timeout_seconds=1.0)
        replace_json(layout.launch, launch.document())
        words = arguments_for(layout.directory)
        starter = subprocess.Popen(
            python(
                "import subprocess, time\n"
                f"subprocess.Popen({words!r}, start_new_session=True, stdout=subprocess.DEVNULL)\n"
                "time.sleep(60)"
            )
        )
        wait_until(layout.runner.exists)

        starter.kill()
        starter.wait()
        wait_until(layout.exit.exists, 20)

        assert json_in(layout.exit)["reason"] == "timeout"


class TestDisk:
    def test_many_files_beyond_the_quota_end_it(self, layout, run):
        writes = "i = 0\nwhile True:\n open(f'f{i}', 'wb').write(b'x' * (1 << 20)); i += 1"

        run(*python(writes), limits=Limits(disk_mib=16)).wait(20)

        end = json_in(layout.exit)
        assert (end["reason"], end["signal"]) == ("disk_full", 9)
        assert end["peak_disk_mib"] >= 16

    def test_one_file_cannot_be_larger_than_the_quota(self, layout, run):
        writes = "f = open('f', 'wb')\nfor _ in range(64): f.write(b'x' * (1 << 20))"

        run(*python(writes), limits=Limits(disk_mib=8)).wait(20)

        end = json_in(layout.exit)
        assert (end["reason"], end["peak_disk_mib"]) == ("disk_full", 8)
        assert (layout.work / "f").stat().st_size <= 8 << 20

    def test_inputs_do_not_count(self, layout, run):
        (layout.inputs / "large").write_bytes(b"x" * (4 << 20))

        run("sleep", "0.6", limits=Limits(disk_mib=1)).wait(20)

        assert json_in(layout.exit)["code"] == 0

    def test_another_failure_is_told_as_what_it_is(self, layout, run):
        run("sh", "-c", "exit 3", limits=Limits(disk_mib=8)).wait(20)

        end = json_in(layout.exit)
        assert (end["reason"], end["code"]) == ("exited", 3)


class TestGrandchildren:
    """`env -i setsid`: neither session nor mark tell that they are the attempt's."""

    ESCAPES = (
        "setsid env -i sh -c 'echo $$ > pid; (sleep 61 & echo $! > grandchild; wait) & wait' &"
        " while ! [ -s grandchild ]; do sleep 0.02; done"
    )

    def test_they_end_when_the_attempt_does(self, layout, run):
        run("sh", "-c", self.ESCAPES).wait(20)

        assert not is_alive(number_in(layout.work / "pid"))
        assert not is_alive(number_in(layout.work / "grandchild"))

    def test_they_end_after_the_grace(self, layout, run):
        process = run("sh", "-c", f"trap '' TERM; {self.ESCAPES}; sleep 60", grace_seconds=0.3)
        wait_until(lambda: number_in(layout.work / "grandchild"))

        replace_json(layout.stop, {"reason": "cancel"})
        process.wait(20)

        assert json_in(layout.exit)["reason"] == "cancel"
        assert not is_alive(number_in(layout.work / "grandchild"))

    def test_they_end_with_the_runner_when_the_worker_kills(self, layout, run):
        process = run("sh", "-c", f"{self.ESCAPES}; sleep 60")
        wait_until(lambda: number_in(layout.work / "grandchild"))

        ProcessExecutor({}).kill(layout.directory)

        assert process.wait(5) is not None
        assert not is_alive(number_in(layout.work / "pid"))
        assert not is_alive(number_in(layout.work / "grandchild"))

    def test_a_double_fork_of_a_daemon_does_not_escape(self, layout, run):
        daemon = (
            "import os, time\n"
            "if os.fork(): time.sleep(0.5); os._exit(0)\n"
            "os.setsid()\n"
            "if os.fork(): os._exit(0)\n"
            "os.execve('/bin/sh', ['sh', '-c', 'echo $$ > pid; exec sleep 62'], {})\n"
        )

        run(*python(daemon)).wait(20)

        assert not is_alive(number_in(layout.work / "pid"))

    def test_orphans_that_end_do_not_pile_up_under_the_runner(self, layout, run):
        process = run("sh", "-c", "for i in 1 2 3; do (sleep 0.05 &) ; done; sleep 60")
        wait_until(layout.runner.exists)
        time.sleep(0.8)

        zombies = [pid for pid in _children(process.pid) if _state(pid) == "Z"]

        assert zombies == []


class TestUsage:
    BUSY = "import time\nx = bytearray(80 << 20)\nwhile time.process_time() < 1.2: pass\n"

    def test_a_running_attempt_leaves_word_of_what_it_uses(self, layout, run):
        run(*python(f"{self.BUSY}time.sleep(30)"), limits=Limits(memory_mib=512))
        wait_until(layout.usage.exists)
        # On a busy machine the first look may come before the interpreter has come up.
        wait_until(lambda: json_in(layout.usage)["memory_mib"] >= 80)

        sample = json_in(layout.usage)

        assert 0 < sample["cpu_milli"] <= 1500
        assert sample["memory_mib"] == sample["memory_peak_mib"] < 120
        assert (sample["processes"], sample["disk_mib"]) == (1, 0)
        assert 0 <= time.monotonic() - sample["taken_at"] < 5

    def test_its_end_tells_what_it_used_in_all(self, layout, run):
        writes = "open('f', 'wb').write(b'x' * (5 << 20))"
        run(*python(f"{self.BUSY}{writes}"), limits=Limits(memory_mib=512)).wait(20)

        used = json_in(layout.exit)["usage"]

        assert 1200 <= used["cpu_ms"] < 3000
        assert 80 <= used["memory_peak_mib"] < 120
        assert used["disk_mib"] == 5

    def test_forks_that_share_memory_do_not_add_up(self, layout, run):
        attempt = run(*python(SHARED), limits=Limits(memory_mib=1024))
        # A busy machine may begin late, and the next look is a while away.
        wait_until(
            lambda: (json_in(layout.usage) if layout.usage.exists() else {}).get("processes") == 5
        )
        (layout.work / "seen").touch()
        attempt.wait(20)

        end = json_in(layout.exit)
        assert 120 <= end["usage"]["memory_peak_mib"] < 200 < end["peak_memory_mib"]

    def test_a_short_attempt_is_not_looked_at(self, layout, run):
        run("true", limits=Limits(memory_mib=512)).wait(20)

        assert "usage" not in json_in(layout.exit)
        assert not layout.usage.exists()


class TestCore:
    def test_no_core_is_dumped(self, layout, run):
        run(*python("import resource; print(resource.getrlimit(resource.RLIMIT_CORE))")).wait(20)

        assert json.loads(layout.stdout.read_text().replace("(", "[").replace(")", "]")) == [0, 0]


def _children(parent):
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _field(pid, 1) == str(parent)]


def _state(pid):
    return _field(pid, 0)


def _field(pid, number):
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        return text.rpartition(")")[2].split()[number]
    except OSError:
        return None
