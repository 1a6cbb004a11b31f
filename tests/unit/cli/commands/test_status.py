import httpx
import pytest

from pileus.cli import main, readiness
from pileus.cli.session import Session
from pileus.sdk import Client

NODE = {"name": "box", "capacity": {"cpu_milli": 2000, "memory_mib": 512}, "is_answering": True}
ENCRYPTION = {"is_on": True, "cipher": "AES-256-GCM", "master_key": "mky_1"}
READY = {"state": "ready", "home": "/home", "processes": {}}


@pytest.fixture
def nodes(monkeypatch, tmp_path):
    """An installation that is ready, and answers with this when it is asked for its nodes."""
    answer = {"encryption": httpx.Response(200, json=ENCRYPTION), "schedules": page()}
    transport = httpx.MockTransport(lambda request: answer[request.url.path.split("/")[-1]])
    client = Client("http://pileus.test", "plt_x", patience_seconds=0, transport=transport)
    monkeypatch.setenv("PILEUS_HOME", str(tmp_path))
    monkeypatch.setattr(Session, "client", client)
    monkeypatch.setattr(readiness, "look", lambda _: dict(READY))
    return answer


def page(*items):
    return httpx.Response(200, json={"items": list(items), "next": None})


class TestStatus:
    def test_a_node_that_answers_needs_no_note(self, nodes, capsys):
        nodes["nodes"] = page(NODE)

        main.run_command(["status"])

        printed = capsys.readouterr().out
        assert "box: 2 CPU, 512 MiB" in printed
        assert "note" not in printed

    def test_says_whether_blobs_are_encrypted(self, nodes, capsys):
        nodes["nodes"] = page(NODE)
        main.run_command(["status"])
        nodes["encryption"] = httpx.Response(200, json=ENCRYPTION | {"is_on": False})
        main.run_command(["status"])

        printed = capsys.readouterr().out
        assert "encrypted (AES-256-GCM, master key mky_1)" in printed
        assert "not encrypted: encrypt_blobs is off" in printed

    def test_a_node_that_was_not_heard_lately_is_said_so(self, nodes, capsys):
        silent = NODE | {"is_answering": False, "seen_at": "2026-01-01T00:00:00Z"}
        nodes["nodes"] = page(silent)

        main.run_command(["status"])

        assert "Node box has not been heard for" in capsys.readouterr().out

    def test_a_worker_without_a_node_is_said_so(self, nodes, capsys):
        nodes["nodes"] = page()

        main.run_command(["status"])

        assert "No node has registered yet" in capsys.readouterr().out

    def test_a_schedule_that_was_refused_is_named_with_the_next_step(self, nodes, capsys):
        nodes["nodes"] = page(NODE)
        trouble = {"at": "2026-01-01T00:00:00Z", "message": "No dataset 'x'", "hint": None}
        due = {"due_at": "2026-01-02T00:00:00Z"}
        nodes["schedules"] = page(
            {"name": "nightly", "trouble": trouble, **due}, {"name": "weekly", "trouble": None}
        )

        main.run_command(["status"])

        printed = capsys.readouterr().out
        assert "Schedule nightly submitted nothing at 20" in printed
        assert "No dataset 'x'. `pileus schedule show nightly` tells more." in printed
        assert "weekly" not in printed

    def test_who_may_not_see_nodes_reads_why(self, nodes, capsys):
        refused = {"code": "no_token", "family": "not_authenticated", "message": "no valid token"}
        nodes["nodes"] = httpx.Response(401, json={"error": refused})

        code = main.run_command(["status"])

        assert code == 0
        assert "Nodes are not shown: no valid token" in capsys.readouterr().out
