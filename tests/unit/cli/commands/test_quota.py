"""What `pileus quota` asks for and shows."""

import json

import httpx
import pytest

from pileus.cli import main
from pileus.cli.session import Session
from pileus.sdk import Client

LIMITS = {"cpu_milli": {"nominal": 20_000, "borrowing": 100_000, "lending": None}}
QUOTA = {
    "project": "prj_1",
    "name": "vision",
    "cohort": "lab",
    "weight": 1,
    "reclaim": "any",
    "preempt": "lower",
    "resources": [
        {"resource": "cpu_milli", **LIMITS["cpu_milli"], "used": 24_000, "borrowed": 4000}
    ],
}


@pytest.fixture
def asked(monkeypatch):
    """Requests that were made."""
    requests: list[httpx.Request] = []

    def answer(request):
        requests.append(request)
        if request.method == "GET":
            return httpx.Response(200, json={"items": [QUOTA], "next": None})
        if request.method == "PUT":
            return httpx.Response(200, json=json.loads(request.content) | {"limits": LIMITS})
        return httpx.Response(204)

    client = Client(
        "http://pileus.test", "plt_x", patience_seconds=0, transport=httpx.MockTransport(answer)
    )
    monkeypatch.setattr(Session, "client", client)
    return requests


def test_set_sends_all_of_the_quota(asked, capsys):
    words = "quota set vision --cohort lab --cpu 20 --borrow 100 --reclaim any --preempt lower"

    assert main.run_command(words.split()) == 0

    assert (asked[0].method, asked[0].url.path) == ("PUT", "/api/v1/quotas/vision")
    assert json.loads(asked[0].content) == {
        "cohort": "lab",
        "limits": {"cpu_milli": {"nominal": 20_000, "borrowing": 100_000}},
        "weight": 1,
        "reclaim": "any",
        "preempt": "lower",
    }
    assert capsys.readouterr().out == "vision may hold cpu 20 in cohort lab\n"


def test_list_shows_what_is_used_and_borrowed(asked, capsys):
    assert main.run_command(["quota", "list"]) == 0

    heading, row = capsys.readouterr().out.splitlines()[:2]
    assert heading.split()[:6] == ["PROJECT", "COHORT", "RESOURCE", "NOMINAL", "USED", "BORROWED"]
    assert row.split() == ["vision", "lab", "cpu", "20", "24", "4", "100", "1", "any", "lower"]


def test_remove_says_so(asked, capsys):
    assert main.run_command(["quota", "remove", "vision"]) == 0

    assert asked[0].method == "DELETE"
    assert "not limited any more" in capsys.readouterr().out
