"""Secrets on their way to real attempts, and what these leave on the node."""

import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from pileus.compute.environments import Environment
from pileus.compute.executors.process import ProcessExecutor
from pileus.compute.files import replace_json
from pileus.compute.runner import arguments_for
from pileus.compute.sandbox.finding import find
from pileus.compute.secrets import MaskedOutput, place, take
from pileus.compute.zygotes import Zygotes
from tests.unit.compute.building import (
    is_alive,
    json_in,
    make_directory,
    make_launch,
    number_in,
    python,
    wait_until,
)

SECRET = b"hunter2-correct-horse"


@pytest.fixture(params=["in memory", "on disk"])
def target(request, tmp_path):
    """Where secrets rest: elsewhere with a link to it, or in the attempt's own directory."""
    (tmp_path / "memory").mkdir()
    return tmp_path / "memory" / "att_1" if request.param == "in memory" else None


@pytest.fixture
def layout(tmp_path):
    (tmp_path / "attempts").mkdir()
    return make_directory(tmp_path / "attempts")


@pytest.fixture
def run(layout):
    started = []

    def start(*command, **fields):
        document = make_launch(layout, *command, has_secrets=True, **fields).document()
        replace_json(layout.launch, document)
        process = subprocess.Popen(
            arguments_for(layout.directory), stdout=subprocess.PIPE, start_new_session=True
        )
        started.append(process)
        return process

    yield start
    ProcessExecutor({}).kill(layout.directory)
    for process in started:
        process.kill()
        process.communicate()


def holders(directory, value=SECRET):
    """Files below a directory that hold the value; links are not followed."""
    paths = [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in paths if value in path.read_bytes()]


class TestPlace:
    def test_the_files_are_for_us_alone_and_the_values_are_taken_once(self, layout, target):
        place(layout, target, {"PW": SECRET}, {"key.pem": b"k" * 99})

        given = take(layout)

        assert given.env == {"PW": SECRET.decode()}
        assert list(given.values) == [SECRET, b"k" * 99]
        assert stat.S_IMODE((layout.secrets / "key.pem").stat().st_mode) == 0o600
        assert stat.S_IMODE(layout.secrets.stat().st_mode) == 0o700
        assert take(layout) is None
        assert holders(layout.directory) == []

    def test_placing_again_after_a_kill_is_placing_once(self, layout, target):
        place(layout, target, {"PW": b"before"}, {})
        place(layout, target, {"PW": SECRET}, {"f": SECRET})

        assert list(take(layout).values) == [SECRET, SECRET]

    def test_removal_goes_where_the_files_were_and_not_where_a_link_leads_now(
        self, layout, tmp_path
    ):
        target, others = tmp_path / "memory", tmp_path / "others"
        others.mkdir()
        (others / "file").touch()
        place(layout, target, {"PW": SECRET}, {"f": SECRET})
        given = take(layout)
        layout.secrets.unlink()
        layout.secrets.symlink_to(others)

        given.remove()

        assert not target.exists()
        assert (others / "file").exists()


class TestRunner:
    def test_the_attempt_has_its_secrets_and_its_files_do_not(self, layout, target, run, tmp_path):
        place(layout, target, {"PW": SECRET}, {"f": SECRET})

        script = "echo out $PW; cat ../secrets/f >&2; test -e ../secrets/.values.json"
        run("sh", "-c", script).wait(20)

        assert layout.stdout.read_text() == "out ***\n"
        assert layout.stderr.read_text() == "***"
        assert json_in(layout.exit)["code"] == 1
        assert holders(tmp_path) == []
        assert not layout.secrets.exists()

    def test_what_it_says_of_itself_is_masked(self, layout, target, run, tmp_path):
        place(layout, target, {"PW": b"31415926"}, {})
        code = (
            "import os; from pileus_attempt import Attempt; pw = os.environ['PW'];"
            "Attempt.current().fail('wrong', f'no {pw}', summary={pw: [int(pw), 2.5, None, True]})"
        )

        run(*python(code)).wait(20)

        result = json_in(layout.result)
        assert result["error"]["message"] == "no ***"
        assert result["summary"] == {"***": ["***", 2.5, None, True]}
        assert holders(tmp_path, b"31415926") == []

    def test_a_line_is_in_the_log_while_the_attempt_goes_on(self, layout, target, run):
        place(layout, target, {"PW": SECRET}, {})
        run("sh", "-c", "echo working $PW; exec sleep 60")

        wait_until(lambda: layout.stdout.exists() and layout.stdout.read_text() == "working ***\n")

    def test_what_was_written_before_a_kill_of_the_command_is_kept(self, layout, target, run):
        place(layout, target, {"PW": SECRET}, {})

        run("sh", "-c", "seq 30000; echo $PW; kill -KILL $$").wait(20)

        assert layout.stdout.read_text().splitlines()[-2:] == ["30000", "***"]
        assert json_in(layout.exit)["signal"] == 9

    def test_a_killed_runner_leaves_masked_lines_alone(self, layout, target, run, tmp_path):
        place(layout, target, {"PW": SECRET}, {})
        runner = run("sh", "-c", "echo $PW; echo $$ > pid; exec sleep 60")
        wait_until(lambda: number_in(layout.work / "pid"))
        wait_until(lambda: layout.stdout.read_text() == "***\n")

        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()

        assert holders(tmp_path) == []

    def test_without_its_secrets_it_does_not_start_and_may_be_tried_again(self, layout, run):
        run("touch", "ran").wait(20)

        end = json_in(layout.exit)
        assert (end["reason"], end["message"]) == (
            "node_failed",
            "Its secrets were gone before it started",
        )
        assert not (layout.work / "ran").exists()

    def test_a_command_that_cannot_start_leaves_none(self, layout, target, run, tmp_path):
        place(layout, target, {"PW": SECRET}, {"f": SECRET})

        run("no-such-program").wait(20)

        assert json_in(layout.exit)["reason"] == "start_failed"
        assert holders(tmp_path) == []

    def test_a_log_that_cannot_be_written_is_an_error_of_the_attempts_write(self, layout, run):
        place(layout, None, {"PW": SECRET}, {})
        layout.stdout.symlink_to("/dev/full")

        run(*python("import os\nwhile True: os.write(1, b'x' * 65536)")).wait(20)

        assert json_in(layout.exit)["code"] == 1
        assert "BrokenPipeError" in layout.stderr.read_text()


class TestMaskedOutput:
    def test_a_pipe_that_somebody_else_holds_does_not_hold_up_the_end(self, layout):
        output = MaskedOutput(layout, [SECRET])
        held = os.dup(output.ends.stdout)
        output.start()
        os.write(held, b"last " + SECRET + b"\n")

        output.finish()

        assert layout.stdout.read_text() == "last ***\n"
        os.close(held)


class TestSandbox:
    def test_the_files_are_there_and_nobody_elses(self, layout, target, run, tmp_path):
        sandbox = find(tmp_path)
        if isinstance(sandbox, str):
            pytest.skip(sandbox)
        place(layout, target, {"PW": SECRET}, {"f": SECRET})
        other = tmp_path / "memory" / "att_2"
        other.mkdir(parents=True)

        script = f"echo $PW; cat ../secrets/f; test ! -e {other}"
        run("sh", "-c", script, sandbox=sandbox).wait(20)

        assert layout.stdout.read_text() == "***\n***", layout.stderr.read_text()
        assert json_in(layout.exit)["code"] == 0
        assert holders(tmp_path) == []


class TestZygote:
    def test_the_fork_has_them_and_the_zygote_never_does(self, layout, target, tmp_path):
        place(layout, target, {"PW": SECRET}, {})
        modules = tmp_path / "modules"
        modules.mkdir()
        (modules / "teller.py").write_text(
            "import os, sys\ndef main(attempt):\n print(os.environ['PW'], file=sys.stderr)\n"
            " os.write(1, os.environ['PW'].encode())\n"
        )
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(modules)}
        zygotes = Zygotes(
            {"warm": Environment(modules=("json",))}, env, tmp_path / "zygotes.log", 30.0
        )
        launch = make_launch(layout, entry="teller", modules=modules, has_secrets=True)
        replace_json(layout.launch, launch.document())
        try:
            zygotes.fork("warm", layout.directory, "teller")
            wait_until(layout.exit.exists)

            assert json_in(layout.exit)["code"] == 0
            assert layout.stderr.read_text() == "***\n"
            assert layout.stdout.read_text() == "***"
            pid = zygotes.pid("warm")
            assert is_alive(pid)
            assert _in_memory(os.getpid(), SECRET), "the test itself has it"
            assert not _in_memory(pid, SECRET)
            assert holders(tmp_path) == []
        finally:
            zygotes.close()


def _in_memory(pid, value):
    """Whether a process of ours has the value in any page that it may write to."""
    process = Path(f"/proc/{pid}")
    with (process / "mem").open("rb") as memory:
        for line in (process / "maps").read_text().splitlines():
            where, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in where.split("-"))
            memory.seek(start)
            if value in memory.read(end - start):
                return True
    return False
