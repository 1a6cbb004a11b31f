"""What `pileus secret` sends and shows; the value is in neither words nor answers."""

import io
import json
import sys
from types import SimpleNamespace

import httpx
import pytest

from pileus.cli import main
from pileus.cli.session import Session
from pileus.sdk import Client

SHOWN = {
    "id": "sec_1",
    "name": "PW",
    "version": 2,
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-02T00:00:00Z",
    "set_by": "prn_1",
}


@pytest.fixture
def asked(monkeypatch):
    """Requests that were made."""
    requests: list[httpx.Request] = []

    def answer(request):
        requests.append(request)
        if request.url.path.endswith("/principals"):
            people = [{"id": "prn_1", "name": "ada"}]
            return httpx.Response(200, json={"items": people, "next": None})
        if request.method == "PUT":
            return httpx.Response(200, json=SHOWN)
        if request.method == "POST":
            return httpx.Response(200, json={"node": "n1", "micro_per_hour": 1})
        if request.method == "GET":
            return httpx.Response(200, json={"items": [SHOWN], "next": None})
        return httpx.Response(204)

    client = Client(
        "http://pileus.test", "plt_x", patience_seconds=0, transport=httpx.MockTransport(answer)
    )
    monkeypatch.setattr(Session, "client", client)
    return requests


def typed(monkeypatch, content):
    stdin = SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(content))
    monkeypatch.setattr(sys, "stdin", stdin)


def test_the_value_is_what_stdin_has(asked, monkeypatch, capsys):
    typed(monkeypatch, b"hunter2\n")

    assert main.run_command(["secret", "set", "PW"]) == 0

    (request,) = asked
    assert (request.method, request.url.path) == ("PUT", "/api/v1/projects/default/secrets/PW")
    assert request.content == b"hunter2"
    assert capsys.readouterr().out == (
        "PW is set, version 2. A job uses it with `pileus run --secret PW`.\n"
    )


def test_a_value_is_no_argument(asked, monkeypatch):
    typed(monkeypatch, b"")

    assert main.run_command(["secret", "set", "PW", "hunter2"]) != 0

    assert asked == []


def test_the_list_says_which_version_and_who_set_it(asked, capsys):
    assert main.run_command(["secret", "list"]) == 0

    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["NAME", "VERSION", "SET", "BY"]
    assert row.split() == ["PW", "2", "2026-01-02", "ada"]


def test_remove_names_it(asked, capsys):
    assert main.run_command(["secret", "remove", "PW"]) == 0

    assert (asked[0].method, asked[0].url.path[-3:]) == ("DELETE", "/PW")
    assert capsys.readouterr().out == "PW is removed\n"


def test_a_job_names_variables_and_files(asked):
    words = "run --json --dry-run --secret A --secret B=C --secret-file A=a.txt -- true"

    assert main.run_command(words.split()) == 0

    assert json.loads(asked[0].content)["secrets"] == [
        {"name": "A", "variable": "A"},
        {"name": "B", "variable": "C"},
        {"name": "A", "file": "a.txt"},
    ]
