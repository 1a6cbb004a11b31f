import os
import subprocess

import pytest

from pileus.compute.processes import (
    boot_id,
    cpu_ms,
    kill_all,
    signal_group,
    start_ticks,
    threads,
)
from tests.unit.compute.building import python, wait_until


@pytest.fixture
def spawn():
    processes = []

    def start(*command, **options):
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, **options))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


class TestStartTicks:
    def test_it_tells_two_processes_of_one_pid_apart(self, spawn):
        process = spawn("sleep", "30")

        ours, its = start_ticks(os.getpid()), start_ticks(process.pid)

        assert ours is not None
        assert its is not None
        assert ours < its == start_ticks(process.pid)

    def test_a_zombie_does_not_live(self, spawn):
        process = spawn("true")
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert start_ticks(process.pid) is None

    def test_a_pid_of_nobody_has_none(self):
        assert start_ticks(2**22 + 1) is None

    def test_a_name_with_parentheses_does_not_confuse_it(self, spawn, tmp_path):
        program = tmp_path / "a) R 1 (b"
        program.symlink_to("/bin/sleep")

        assert start_ticks(spawn(str(program), "30").pid) not in (None, 1)


class TestCpuMs:
    BURN = "import time\nwhile time.process_time() < 0.3: pass\n"

    def test_children_that_were_waited_for_count(self, spawn):
        code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {self.BURN!r}])\n"
        parent = spawn(*python(f"{code}print('done', flush=True)\nimport time; time.sleep(30)"))
        wait_until(lambda: cpu_ms(parent.pid) >= 250)

        assert cpu_ms(parent.pid) < 5000

    def test_a_pid_of_nobody_has_used_none(self):
        assert cpu_ms(2**22 + 1) == 0


class TestKillAll:
    def test_it_ends_a_session_and_nothing_else(self, spawn):
        inside = spawn("sh", "-c", "sleep 30 & exec sleep 30", start_new_session=True)
        outside = spawn("sleep", "30")

        kill_all(inside.pid, "PILEUS_ATTEMPT_DIR=/nowhere")

        assert inside.wait(5) == -9
        assert outside.poll() is None

    def test_it_ends_what_carries_the_mark(self, spawn):
        marked = spawn("sleep", "30", env={"PILEUS_ATTEMPT_DIR": "/a"}, start_new_session=True)
        other = spawn("sleep", "30", env={"PILEUS_ATTEMPT_DIR": "/ab"}, start_new_session=True)

        kill_all(None, "PILEUS_ATTEMPT_DIR=/a")

        assert marked.wait(5) == -9
        assert other.poll() is None

    def test_it_spares_one(self, spawn):
        leader = spawn("sleep", "30", start_new_session=True)

        kill_all(leader.pid, "PILEUS_ATTEMPT_DIR=/nowhere", spare=leader.pid)

        assert leader.poll() is None


class TestSignalGroup:
    def test_a_group_that_is_gone_is_no_error(self, spawn):
        process = spawn("true", start_new_session=True)
        process.wait()

        signal_group(process.pid, 15)


class TestThisMachine:
    def test_a_boot_has_a_name(self):
        assert boot_id() == boot_id()

    def test_threads_are_counted(self, spawn):
        process = subprocess.run(
            python("from pileus.compute.processes import threads; print(threads())"),
            capture_output=True,
            check=True,
        )

        assert process.stdout == b"1\n"
        assert threads() >= 1
