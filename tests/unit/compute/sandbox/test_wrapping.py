"""Real attempts in real sandboxes; skipped with the reason where this machine makes none."""

import subprocess
import sys

import pytest

from pileus.compute.executors.process import ProcessExecutor
from pileus.compute.files import replace_json
from pileus.compute.runner import arguments_for
from pileus.compute.sandbox.finding import find
from pileus.compute.sandbox.wrapping import unwrapped_code
from tests.unit.compute.building import (
    json_in,
    make_directory,
    make_launch,
    number_in,
    python,
    wait_until,
)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "attempts").mkdir()
    (tmp_path / "master.key").write_text("secret")
    return tmp_path


@pytest.fixture
def layout(home):
    return make_directory(home / "attempts")


@pytest.fixture
def run(home, layout):
    sandbox = find(home)
    if isinstance(sandbox, str):
        pytest.skip(sandbox)
    started = []

    def start(*command, **fields):
        launch = make_launch(layout, *command, sandbox=sandbox, **fields)
        replace_json(layout.launch, launch.document())
        process = subprocess.Popen(
            arguments_for(layout.directory), stdout=subprocess.DEVNULL, start_new_session=True
        )
        started.append(process)
        return process

    yield start
    ProcessExecutor({}).kill(layout.directory)
    for process in started:
        process.wait()


class TestWrapped:
    def test_it_runs_and_leaves_its_output(self, layout, run):
        run("sh", "-c", "echo hello; echo x > ../out/file; exit 3").wait(20)

        end = json_in(layout.exit)
        assert (end["code"], end["reason"]) == (3, "exited"), layout.stderr.read_text()
        assert layout.stdout.read_text() == "hello\n"
        assert (layout.out / "file").read_text() == "x\n"

    def test_python_and_what_is_installed_with_us_are_there(self, layout, run):
        run(*python("import pydantic, pileus_attempt; print('ok')")).wait(20)

        assert layout.stdout.read_text() == "ok\n", layout.stderr.read_text()

    def test_there_is_no_network(self, layout, run):
        reach = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
        links = "sed 1,2d /proc/net/dev | cut -d: -f1"

        run("sh", "-c", f'{links}; {sys.executable} -c "{reach}"').wait(20)

        assert layout.stdout.read_text().split() == ["lo"]
        assert json_in(layout.exit)["code"] == 1

    def test_the_home_and_other_attempts_are_not_visible(self, home, layout, run):
        other = make_directory(home / "attempts", "att_2")
        (other.out / "theirs").write_text("theirs")

        run("sh", "-c", f"ls {home} {home}/attempts; cat {other.out}/theirs").wait(20)

        words = layout.stdout.read_text()
        assert "master.key" not in words
        assert "att_2" not in words
        assert "att_1" in words
        assert json_in(layout.exit)["code"] != 0

    @pytest.mark.parametrize(
        "path",
        [
            "/usr/x",
            "/etc/x",
            "/x",
            "../../x",
            "../inputs/x",
            "../x",
            "../launch.json",
            "../lease.json",
        ],
    )
    def test_system_inputs_and_what_the_node_keeps_cannot_be_written(self, layout, run, path):
        layout.lease.write_text("{}")
        run("sh", "-c", f"echo x > {path}").wait(20)

        assert json_in(layout.exit)["code"] != 0

    @pytest.mark.parametrize("name", ["stdout", "exit.json", "work", "out", "report"])
    def test_none_of_its_names_can_be_given_to_something_else(self, layout, run, name):
        words = f"mv ../{name} .; rm -rf ../{name}; ln -sfT /etc/shadow ../{name}"
        run("sh", "-c", words).wait(20)

        assert not (layout.directory / name).is_symlink()
        assert json_in(layout.exit)["code"] != 0

    def test_it_says_how_it_went(self, layout, run):
        say = "a = pileus_attempt.Attempt.current(); a.log_metric('x', 1); a.finish({'y': 2})"

        run(*python(f"import pileus_attempt; {say}")).wait(20)

        assert json_in(layout.result)["summary"] == {"y": 2}, layout.stderr.read_text()
        assert layout.metrics.read_text().startswith('{"name":"x"')

    def test_secrets_of_the_system_are_not_there(self, layout, run):
        run("sh", "-c", "cat /etc/shadow /root/.ssh/*").wait(20)

        assert layout.stdout.read_text() == ""

    def test_tmp_is_its_own(self, layout, run, tmp_path):
        (tmp_path / "ours").write_text("ours")

        run("sh", "-c", f"cat {tmp_path}/ours; echo x > /tmp/mine; echo $TMPDIR").wait(20)

        assert layout.stdout.read_text() == "/tmp\n"
        assert (layout.directory / "tmp" / "mine").read_text() == "x\n"

    def test_variables_of_the_nodes_user_are_left_out(self, layout, run):
        env = {"PATH": "/usr/bin:/bin", "USER": "root", "HOME": "/root", "MINE": "1"}

        run("sh", "-c", "echo $MINE,$USER,$HOME", env=env).wait(20)

        assert layout.stdout.read_text() == f"1,,{layout.work}\n"

    def test_a_stop_leaves_it_its_grace(self, layout, run):
        process = run("sh", "-c", "trap 'echo saved; exit 0' TERM; echo up; sleep 60 & wait")
        wait_until(lambda: layout.stdout.exists() and layout.stdout.read_text() == "up\n")

        replace_json(layout.stop, {"reason": "preempt"})
        process.wait(20)

        assert layout.stdout.read_text() == "up\nsaved\n"
        assert json_in(layout.exit)["reason"] == "preempt"

    def test_one_that_does_not_listen_is_killed_with_all_it_started(self, layout, run):
        words = "trap '' TERM; setsid env -i sleep 66 & echo $$ > pid; while :; do sleep 1; done"
        process = run("sh", "-c", words, grace_seconds=0.3)
        wait_until(lambda: number_in(layout.work / "pid"))

        replace_json(layout.stop, {"reason": "cancel"})
        process.wait(20)

        left = subprocess.run(["pgrep", "-fx", "sleep 66"], capture_output=True, check=False)
        assert left.stdout == b""
        assert json_in(layout.exit)["reason"] == "cancel"


class TestUnwrappedCode:
    def test_a_signal_is_told_from_a_code(self):
        assert [unwrapped_code(code) for code in (0, 3, 137, -9)] == [0, 3, -9, -9]
