"""Real runners and real zygotes, without a worker around them."""

import asyncio
import json
import os
import signal

import psutil
import pytest

from pileus.compute.environments import Environment
from pileus.compute.errors import EnvironmentBroken, EnvironmentUnknown, SandboxMissing
from pileus.compute.executor import Phase
from pileus.compute.executors import process
from pileus.compute.executors.process import ProcessExecutor
from pileus.compute.files import replace_json
from pileus.compute.zygotes import Zygotes
from tests.unit.compute.building import (
    is_alive,
    json_in,
    make_directory,
    make_launch,
    number_in,
    wait_until,
)

LEASE = "lease"
ENVIRONMENTS = {"plain": Environment(), "warm": Environment(modules=("json",))}


@pytest.fixture
def layout(tmp_path):
    return make_directory(tmp_path)


@pytest.fixture
def executor(layout):
    made = ProcessExecutor(ENVIRONMENTS)
    yield made
    made.kill(layout.directory)


@pytest.fixture
def zygotes(tmp_path):
    made = Zygotes(ENVIRONMENTS, {"PATH": os.environ["PATH"]}, tmp_path / "zygotes.log", 30.0)
    yield made
    made.close()


@pytest.fixture
def modules(tmp_path):
    directory = tmp_path / "modules"
    directory.mkdir()
    (directory / "lesson.py").write_text(
        "def main(attempt):\n"
        "    print('hello', flush=True)\n"
        "    attempt.log_metric('loss', 0.5, 1)\n"
        "    attempt.finish({'accuracy': attempt.params['epochs'] / 4})\n"
    )
    return directory


class TestStart:
    async def test_a_command_runs_to_its_end(self, executor, layout):
        await executor.start(layout.directory, make_launch(layout, "sh", "-c", "exit 4"))

        state = await executor.wait(layout.directory, LEASE)

        assert state.phase is Phase.ENDED
        assert state.exit["code"] == 4

    async def test_it_is_running_when_start_returns(self, executor, layout):
        await executor.start(layout.directory, make_launch(layout, "sleep", "30"))

        state = executor.state(layout.directory, LEASE)

        assert state.phase is Phase.RUNNING
        assert state.started_at is not None

    async def test_starting_twice_runs_once(self, executor, layout):
        launch = make_launch(layout, "sh", "-c", "echo once; sleep 0.2")
        await executor.start(layout.directory, launch)

        await executor.start(layout.directory, launch)

        await executor.wait(layout.directory, LEASE)
        assert layout.stdout.read_text() == "once\n"

    async def test_a_runner_may_be_nobodys_child(self, layout):
        executor = ProcessExecutor(ENVIRONMENTS, runners_outlive_us=True)
        await executor.start(layout.directory, make_launch(layout, "sh", "-c", "sleep 1; exit 4"))

        runner = psutil.Process(json_in(layout.runner)["pid"])
        assert runner.ppid() != os.getpid()
        left = [one for one in psutil.Process().children() if one.name() == "setsid"]
        assert not left, "what forked it was not waited for"
        assert (await executor.wait(layout.directory, LEASE)).exit["code"] == 4

    async def test_a_module_runs_without_a_zygote(self, executor, layout, modules):
        launch = make_launch(layout, entry="lesson", environment="warm", modules=modules)
        await executor.start(layout.directory, launch)

        state = await executor.wait(layout.directory, LEASE)

        assert (state.exit or {})["code"] == 0, layout.stderr.read_text()
        assert json_in(layout.result)["summary"] == {"accuracy": 0.75}

    async def test_a_module_runs_in_a_fork_of_a_zygote(self, zygotes, layout, modules):
        executor = ProcessExecutor(ENVIRONMENTS, zygotes)
        launch = make_launch(layout, entry="lesson", environment="warm", modules=modules)
        await executor.start(layout.directory, launch)

        state = await executor.wait(layout.directory, LEASE)

        assert zygotes.pid("warm") is not None
        assert (state.exit or {})["code"] == 0, layout.stderr.read_text()
        assert layout.stdout.read_text() == "hello\n"
        assert json_in(layout.result)["summary"] == {"accuracy": 0.75}

    async def test_a_command_waits_for_no_zygote_and_the_next_is_forked(
        self, zygotes, layout, tmp_path
    ):
        executor = ProcessExecutor(ENVIRONMENTS, zygotes)
        later = make_directory(tmp_path, "att_2")

        await executor.start(layout.directory, make_launch(layout, "sh", "-c", "sleep 0.3; exit 4"))
        first = psutil.Process(json_in(layout.runner)["pid"]).cmdline()
        await executor.start(later.directory, make_launch(later, "sh", "-c", "sleep 0.3; exit 5"))
        second = psutil.Process(json_in(later.runner)["pid"]).cmdline()

        assert (await executor.wait(layout.directory, LEASE)).exit["code"] == 4
        assert (await executor.wait(later.directory, LEASE)).exit["code"] == 5
        assert "pileus.compute.zygote" not in first
        assert "pileus.compute.zygote" in second

    async def test_a_forked_command_that_is_not_there_says_so(self, zygotes, layout):
        executor = ProcessExecutor(ENVIRONMENTS, zygotes)
        zygotes.warm_up("plain")

        await executor.start(layout.directory, make_launch(layout, "no-such-program"))

        state = await executor.wait(layout.directory, LEASE)
        assert "'no-such-program' not found" in state.exit["message"]

    async def test_an_unknown_environment_names_those_that_are_known(self, executor, layout):
        launch = make_launch(layout, entry="lesson", environment="tensorflow")

        with pytest.raises(EnvironmentUnknown, match="'tensorflow'") as caught:
            await executor.start(layout.directory, launch)

        assert caught.value.hint == "Use one of plain, warm."

    async def test_what_asks_for_a_sandbox_is_refused_where_there_is_none(self, executor, layout):
        with pytest.raises(SandboxMissing, match="cannot make a sandbox"):
            await executor.start(layout.directory, make_launch(layout, "true", is_sandboxed=True))

        assert not layout.launch.exists()

    async def test_an_environment_that_cannot_be_imported_says_what_to_do(self, tmp_path, layout):
        broken = {"torch": Environment(modules=("no_such_torch",), hint="pip install it")}
        zygotes = Zygotes(broken, {}, tmp_path / "zygotes.log", 30.0)
        executor = ProcessExecutor(broken, zygotes)

        with pytest.raises(EnvironmentBroken, match="no_such_torch") as caught:
            await executor.start(
                layout.directory, make_launch(layout, entry="lesson", environment="torch")
            )

        assert caught.value.hint == "pip install it"
        await executor.close()


class TestAdoption:
    async def test_another_executor_goes_on_with_the_same_runner(self, executor, layout):
        await executor.start(layout.directory, make_launch(layout, "sh", "-c", "sleep 0.5; exit 6"))
        pid = json_in(layout.runner)["pid"]

        heir = ProcessExecutor(ENVIRONMENTS)

        assert heir.state(layout.directory, LEASE).phase is Phase.RUNNING
        state = await heir.wait(layout.directory, LEASE)
        assert state.phase is Phase.ENDED
        assert (state.exit or {})["code"] == 6
        assert json_in(layout.runner)["pid"] == pid

    async def test_what_never_started_is_absent(self, executor, layout):
        assert executor.state(layout.directory, LEASE).phase is Phase.ABSENT

    @pytest.mark.parametrize(
        "change", [{"start_ticks": 1}, {"pid": 2**22 + 1}, {"boot_id": "another"}]
    )
    async def test_a_pid_that_means_another_process_is_not_adopted(self, executor, layout, change):
        replace_json(
            layout.runner,
            {
                "pid": os.getpid(),
                "start_ticks": 5,
                "boot_id": "",
                "lease_token": LEASE,
                "started_at": "2026-01-01T00:00:00+00:00",
            }
            | change,
        )

        state = executor.state(layout.directory, LEASE)

        assert state.phase is Phase.LOST  # and this process still lives

    async def test_a_runner_with_another_lease_is_ended(self, executor, layout):
        await executor.start(layout.directory, make_launch(layout, "sleep", "30"))
        pid = json_in(layout.runner)["pid"]

        state = executor.state(layout.directory, "another")

        assert state.phase is Phase.LOST
        assert "another lease" in state.exit["message"]
        assert not is_alive(pid)


class TestLost:
    async def test_a_runner_that_was_killed_leaves_nothing_running(self, executor, layout):
        launch = make_launch(layout, "sh", "-c", "echo $$ > pid; sleep 30 & wait")
        await executor.start(layout.directory, launch)
        wait_until(lambda: number_in(layout.work / "pid"))
        command = number_in(layout.work / "pid")
        os.kill(json_in(layout.runner)["pid"], signal.SIGKILL)

        state = await executor.wait(layout.directory, LEASE)

        assert state.phase is Phase.LOST
        assert state.exit["reason"] == "runner_lost"
        assert "vanished" in state.exit["message"]
        assert not is_alive(command)

    async def test_a_second_look_finds_the_same_end(self, executor, layout):
        await executor.start(layout.directory, make_launch(layout, "sleep", "30"))
        os.kill(json_in(layout.runner)["pid"], signal.SIGKILL)
        first = await executor.wait(layout.directory, LEASE)

        second = executor.state(layout.directory, LEASE)

        assert second.is_over
        assert second.exit == first.exit

    async def test_a_damaged_exit_counts_as_lost(self, executor, layout):
        await executor.start(layout.directory, make_launch(layout, "true"))
        await executor.wait(layout.directory, LEASE)
        wait_until(lambda: not is_alive(json_in(layout.runner)["pid"]))
        layout.exit.write_text('{"code": ')

        assert executor.state(layout.directory, LEASE).phase is Phase.LOST


class TestStop:
    async def test_the_first_reason_to_stop_stays(self, executor, layout):
        executor.stop(layout.directory, "preempt")
        executor.stop(layout.directory, "cancel")

        assert json_in(layout.stop) == {"reason": "preempt"}

    async def test_a_stopped_attempt_ends_with_the_reason(self, executor, layout):
        await executor.start(layout.directory, make_launch(layout, "sleep", "30"))

        executor.stop(layout.directory, "cancel")

        state = await executor.wait(layout.directory, LEASE)
        assert state.exit["reason"] == "cancel"

    async def test_killing_ends_every_process(self, executor, layout):
        launch = make_launch(layout, "sh", "-c", "trap '' TERM; echo $$ > pid; sleep 30; sleep 30")
        await executor.start(layout.directory, launch)
        wait_until(lambda: number_in(layout.work / "pid"))

        executor.kill(layout.directory)

        assert not is_alive(number_in(layout.work / "pid"))
        assert not is_alive(json_in(layout.runner)["pid"])


class TestLease:
    async def test_a_renewal_says_when_it_was_confirmed(self, executor, layout):
        executor.renew(layout.directory, 600.0, 1.0)
        executor.renew(layout.directory, 500.0, 2.5)

        assert json.loads(layout.lease.read_text()) == {"confirmed_at": 2.5, "fence_seconds": 500.0}


class TestWait:
    async def test_the_end_is_an_event_not_a_look(self, executor, layout, monkeypatch):
        monkeypatch.setattr(process, "_LOOK_SECONDS", 60.0)
        await executor.start(layout.directory, make_launch(layout, "sleep", "0.3"))

        state = await asyncio.wait_for(executor.wait(layout.directory, LEASE), 10)

        assert state.phase is Phase.ENDED

    async def test_a_runner_leaves_no_zombie(self, executor, layout):
        await executor.start(layout.directory, make_launch(layout, "true"))
        await executor.wait(layout.directory, LEASE)

        assert json_in(layout.runner)["pid"] not in psutil.pids()
