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
            "request_id": "req_1",
        }
        server["GET /api/v1/projects/default/jobs/job_9"] = httpx.Response(
            404, json={"error": error}
        )

        code = main.run_command(["job", "show", "job_9"])

        printed = capsys.readouterr()
        assert code == 5
        assert printed.out == ""
        assert printed.err == (
            "Error: Job 'job_9' not found\nHint:  List your jobs.\nrequest req_1\n"
        )

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
    @pytest.mark.parametrize(
        "words",
        [["--json", "job", "list"], ["job", "--json", "list"], ["job", "list", "--json"]],
    )
    def test_json_stands_anywhere(self, server, capsys, words):
        server["GET /api/v1/projects/default/jobs"] = httpx.Response(
            200, json={"items": [JOB], "next": None}
        )

        code = main.run_command(words)

        assert code == 0
        assert last_line(capsys)[0]["id"] == "job_1"

    def test_the_words_after_two_dashes_are_the_users(self, capsys):
        main.run_command(["run", "--", "tool", "--json"])

        assert capsys.readouterr().out == ""

    def test_the_words_after_a_command_to_run_are_the_users_too(self, capsys):
        main.run_command(["run", "tool", "--json"])

        assert capsys.readouterr().out == ""


class TestLists:
    def test_an_unknown_status_is_refused_with_those_there_are(self, server, capsys):
        code = main.run_command(["job", "list", "--status", "done"])

        assert code == 2
        assert "succeeded" in capsys.readouterr().err

    def test_people_are_shown_by_name(self, server, capsys):
        token = {
            "id": "tok_1",
            "name": "laptop",
            "principal": "prn_1",
            "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-02T00:00:00Z",
        }
        member = {"id": "prn_1", "name": "ada"}
        for path, item in (("tokens", token), ("principals", member)):
            server[f"GET /api/v1/projects/default/{path}"] = httpx.Response(
                200, json={"items": [item], "next": None}
            )

        main.run_command(["token", "list"])

        heading, row = capsys.readouterr().out.splitlines()
        assert heading.split()[:3] == ["ID", "NAME", "PRINCIPAL"]
        assert "ada" in row
        assert "expired" in row


class TestChanges:
    def test_a_price_is_set(self, server, capsys):
        price = {"resource": "cpu", "unit": "ms", "micro": 111, "exponent": 4}
        server["PUT /api/v1/prices/cpu"] = httpx.Response(200, json=price)

        code = main.run_command(["price", "set", "cpu", "111", "4"])

        assert code == 0
        assert capsys.readouterr().out == "cpu: one ms costs 0.0000000111 from now on\n"

    @pytest.mark.parametrize("verb,said", [("disable", "is disabled"), ("enable", "is enabled")])
    def test_a_member_is_shut_out_and_let_in(self, server, capsys, verb, said):
        server["PATCH /api/v1/projects/default/principals/ada"] = httpx.Response(200, json={})

        code = main.run_command(["member", verb, "ada"])

        assert code == 0
        assert said in capsys.readouterr().out

    def test_what_has_ended_cannot_be_stopped_any_more(self, server, capsys):
        server["POST /api/v1/projects/default/jobs/job_1/cancel"] = httpx.Response(200, json=JOB)

        main.run_command(["job", "cancel", "job_1"])

        assert capsys.readouterr().out == "job_1 has succeeded already\n"


class TestBill:
    @pytest.mark.parametrize("words", [["--since", "yesterday"], ["--since", "2026-02", "--json"]])
    def test_what_is_no_date_is_refused_with_one_that_is(self, server, capsys, words):
        code = main.run_command(["bill", *words])

        printed = capsys.readouterr()
        assert code == 2
        assert "2026-01-31" in printed.out + printed.err

    def test_an_end_before_the_beginning_is_refused(self, server, capsys):
        code = main.run_command(["bill", "--since", "2026-02-01", "--until", "2026-01-01"])

        assert code == 2


class TestDown:
    def test_what_does_not_run_is_down_already(self, empty_home, capsys):
        code = main.run_command(["down"])

        assert code == 0
        assert "is not running" in capsys.readouterr().out


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
