import json
import subprocess
import sys

import httpx
import pytest

from pileus.cli import main
from pileus.cli.session import Session
from pileus.sdk import Client

JOB = {
    "id": "job_1",
    "kind": "command",
    "name": None,
    "status": "succeeded",
    "created_at": "2026-01-01T00:00:00Z",
    "spec": {"command": ["true"]},
    "summary": {},
}


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("PILEUS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def server(monkeypatch):
    """A server that answers by path; the client of every session asks it."""
    answers: dict[str, httpx.Response] = {}

    def answer(request):
        return answers[f"{request.method} {request.url.path}"]

    client = Client(
        "http://pileus.test",
        "plt_x",
        gateway_url="http://gateway.test",
        patience_seconds=0,
        transport=httpx.MockTransport(answer),
    )
    monkeypatch.setattr(Session, "client", client)
    return answers


def last_line(capsys):
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


class TestErrors:
    def test_message_and_hint_go_to_stderr_with_the_familys_exit_code(self, server, capsys):
        error = {
            "code": "job_not_found",
            "family": "not_found",
            "message": "Job 'job_9' not found",
            "hint": "List your jobs.",
        }
        server["GET /api/v1/projects/default/jobs/job_9"] = httpx.Response(
            404, json={"error": error}
        )

        code = main.run_command(["job", "show", "job_9"])

        printed = capsys.readouterr()
        assert code == 5
        assert printed.out == ""
        assert printed.err == "Error: Job 'job_9' not found\nHint:  List your jobs.\n"

    def test_json_puts_the_body_on_stdout(self, capsys):
        code = main.run_command(["job", "list", "--json"])

        assert code == 8
        assert last_line(capsys)["error"]["family"] == "unavailable"

    def test_a_system_that_does_not_run_says_how_to_start_it(self, capsys):
        main.run_command(["job", "list"])

        assert "pileus up" in capsys.readouterr().err

    def test_an_unknown_option_is_a_usage_error(self, capsys):
        code = main.run_command(["job", "list", "--colour"])

        assert code == 2
        assert "pileus job list --help" in capsys.readouterr().err

    def test_a_usage_error_is_json_when_json_is_asked_for(self, capsys):
        code = main.run_command(["job", "show", "--json"])

        assert code == 2
        assert last_line(capsys)["error"]["code"] == "invalid_request"

    def test_a_mistyped_setting_refuses_to_start(self, monkeypatch, capsys):
        monkeypatch.setenv("PILEUS_CLIENT__PROJEKT", "x")

        code = main.run_command(["job", "list"])

        assert code == 2
        assert "PILEUS_CLIENT__PROJECT" in capsys.readouterr().err

    def test_a_bug_prints_no_traceback(self, server, monkeypatch, capsys):
        monkeypatch.setattr(Session, "client", None)

        code = main.run_command(["job", "list"])

        printed = capsys.readouterr().err
        assert code == 1
        assert "Internal error" in printed
        assert "Traceback" not in printed

    def test_debug_prints_one(self, server, monkeypatch, capsys):
        monkeypatch.setattr(Session, "client", None)

        main.run_command(["job", "list", "--debug"])

        assert "Traceback" in capsys.readouterr().err

    def test_ctrl_c_is_130_without_a_traceback(self, monkeypatch, capsys):
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(Session, "of", interrupt)

        code = main.run_command(["job", "list"])

        assert code == 130
        assert "Traceback" not in capsys.readouterr().err


class TestGlobalOptions:
    @pytest.mark.parametrize("words", [["--json", "job", "list"], ["job", "list", "--json"]])
    def test_json_stands_before_or_after_the_command(self, server, capsys, words):
        server["GET /api/v1/projects/default/jobs"] = httpx.Response(
            200, json={"items": [JOB], "next": None}
        )

        code = main.run_command(words)

        assert code == 0
        assert last_line(capsys)[0]["id"] == "job_1"

    def test_the_words_after_two_dashes_are_the_users(self, capsys):
        main.run_command(["run", "--", "tool", "--json"])

        assert capsys.readouterr().out == ""


class TestTables:
    def test_piped_output_is_plain_and_uncut(self, server, capsys):
        server["GET /api/v1/projects/default/jobs"] = httpx.Response(
            200, json={"items": [JOB | {"id": "job_" + "x" * 60}], "next": None}
        )

        main.run_command(["job", "list"])

        printed = capsys.readouterr().out
        assert "job_" + "x" * 60 in printed
        assert "\x1b" not in printed

    def test_an_empty_list_says_what_to_do(self, server, capsys):
        server["GET /api/v1/projects/default/jobs"] = httpx.Response(
            200, json={"items": [], "next": None}
        )

        main.run_command(["job", "list"])

        assert "pileus train" in capsys.readouterr().out


class TestStart:
    def test_nothing_heavy_is_imported_to_print_the_version(self):
        code = (
            "import sys\nfrom pileus.cli.main import run_command\nrun_command(['--version'])\n"
            "print(sorted({'rich', 'httpx', 'pydantic', 'numpy', 'asyncio'} & set(sys.modules)))"
        )

        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

        assert done.stdout.splitlines()[1] == "[]"
