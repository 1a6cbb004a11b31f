import json
import subprocess
import sys

import pytest

from pileus.cli import processes
from pileus.core.errors import Conflict


@pytest.fixture
def told(monkeypatch):
    given = []

    def run(home, options):
        given.append((home, options))
        return 7

    monkeypatch.setitem(processes._PROCESSES, "worker", run)
    return given


class TestMain:
    def test_words_are_read_as_they_were_written(self, tmp_path, told):
        words = processes.words("worker", tmp_path, server_url="http://a", port=1)

        assert processes.main(words) == 7

        assert processes.command(words) == (sys.executable, "-m", "pileus.cli.processes", *words)
        assert told == [(tmp_path, {"server_url": "http://a", "port": "1"})]

    def test_an_error_is_told_with_its_hint_and_exit_code(self, tmp_path, monkeypatch, capsys):
        def fails(home, options):
            raise Conflict("The port is taken", hint="Choose another.")

        monkeypatch.setitem(processes._PROCESSES, "worker", fails)

        code = processes.main(["worker", "--home", str(tmp_path)])

        assert code != 0
        assert "The port is taken" in (said := capsys.readouterr().err)
        assert "Choose another." in said
        assert "Traceback" not in said

    def test_a_bug_leaves_its_traceback_in_the_log(self, tmp_path, monkeypatch, capsys):
        def fails(home, options):
            raise ZeroDivisionError("nobody thought of it")

        monkeypatch.setitem(processes._PROCESSES, "worker", fails)

        assert processes.main(["worker", "--home", str(tmp_path)]) != 0

        said = capsys.readouterr().err
        assert "Traceback" in said
        assert "Internal error: ZeroDivisionError: nobody thought of it" in said

    def test_a_setting_that_is_wrong_ends_the_process_with_its_name(self, tmp_path):
        (tmp_path / "logs").mkdir()
        words = processes.words("gateway", tmp_path, port="many", supervisor_fd=0)

        ended = subprocess.run(
            processes.command(words), check=False, capture_output=True, text=True, cwd=tmp_path
        )

        assert ended.returncode != 0
        assert "port" in ended.stderr
        assert "many" in ended.stderr
        assert "Traceback" not in ended.stderr


class TestCarries:
    @pytest.mark.parametrize("name", ["server", "gateway", "worker"])
    def test_no_process_carries_a_terminal(self, name, tmp_path):
        script = (
            "import json, sys\n"
            "from pileus.cli import processes, starting\n"
            "starting.carry_little()\n"
            f"import pileus.{name}.main as process\n"
            "process.run = lambda settings: print(json.dumps(sorted(sys.modules))) or 0\n"
            "sys.exit(processes.main(sys.argv[1:]))\n"
        )
        (tmp_path / "logs").mkdir()
        words = [sys.executable, "-c", script, name, "--home", str(tmp_path)]

        done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=tmp_path)

        carried = set(json.loads(done.stdout.splitlines()[-1]))
        assert f"pileus.{name}.main" in carried
        assert carried.isdisjoint({"typer", "rich", "pygments", "pileus.cli.main"})
