"""What `pileus job top` asks for and shows."""

import json
import time

import httpx
import pytest

from pileus.cli import main
from pileus.cli.output import Output
from pileus.cli.session import Session
from pileus.sdk import Client
from tests.unit.cli.usage_items import make_item, make_top

TOP = make_top(
    make_item(job="job_1", used={"cpu_milli": 10}, cost_micro=5),
    make_item(job="job_2", used={"cpu_milli": 900}, cost_micro=1),
)


@pytest.fixture
def asked(monkeypatch):
    """Requests that were made."""
    requests: list[str] = []

    def answer(request):
        requests.append(request.url.path)
        return httpx.Response(200, json=TOP)

    client = Client(
        "http://pileus.test", "plt_x", patience_seconds=0, transport=httpx.MockTransport(answer)
    )
    monkeypatch.setattr(Session, "client", client)
    return requests


def test_the_busiest_is_first(asked, capsys):
    assert main.run_command(["job", "top"]) == 0

    text = capsys.readouterr().out
    assert asked == ["/api/v1/projects/default/top"]
    assert text.index("job_2") < text.index("job_1")


def test_json_is_one_object_in_the_order_asked_for(asked, capsys):
    assert main.run_command(["--json", "job", "top", "--sort", "cost"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert [item["job"] for item in found["items"]] == ["job_1", "job_2"]
    assert found["nodes"][0]["name"] == "box"


def test_an_order_that_there_is_not_is_refused(asked, capsys):
    assert main.run_command(["job", "top", "--sort", "name"]) == 2

    assert "'name' is not one of cpu, memory, cost, age" in capsys.readouterr().err
    assert asked == []


def test_watching_needs_a_person(asked, capsys):
    assert main.run_command(["job", "top", "--watch"]) == 2

    assert "only on a terminal" in capsys.readouterr().err


def test_watching_looks_again_until_it_is_interrupted(asked, monkeypatch, capsys):
    monkeypatch.setattr(Output, "is_live", True)
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", nap)

    assert main.run_command(["job", "top", "--watch"]) == 0

    assert len(asked) == 3
    assert "job_2" in capsys.readouterr().out
