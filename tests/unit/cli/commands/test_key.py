import json

import httpx
import pytest

from pileus.cli import main
from pileus.cli.session import Session
from pileus.sdk import Client

KEY = {
    "id": "key_1",
    "purpose": "data",
    "state": "current",
    "blobs": 3,
    "master_key": "mky_1",
    "created_at": "2026-01-01T00:00:00Z",
}
FINISHED = {"state": "finished", "total": 3, "done": 3, "failed": 0}
KEYS = {"keys": [KEY], "plain_blobs": 0, "rewrite": None}


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Requests that were made; `answers` by method and last word of the path."""
    requests: list[httpx.Request] = []
    answers = {
        "GET keys": [KEYS],
        "POST rotate": [KEY],
        "POST rewrite": [KEYS],
        "POST shred": [{"keys": 2, "blobs": 3, "remains": ["backups"]}],
    }

    def answer(request):
        requests.append(request)
        waiting = answers[f"{request.method} {request.url.path.split('/')[-1]}"]
        return httpx.Response(200, json=waiting.pop(0) if len(waiting) > 1 else waiting[0])

    client = Client(
        "http://pileus.test", "plt_x", patience_seconds=0, transport=httpx.MockTransport(answer)
    )
    monkeypatch.setenv("PILEUS_HOME", str(tmp_path))
    monkeypatch.setattr(Session, "client", client)
    monkeypatch.setattr("pileus.cli.commands.key._LOOK_SECONDS", 0.0)
    return {"requests": requests, "answers": answers}


def posted(asked):
    return [
        (request.url.path.split("/")[-1], json.loads(request.content or "null"))
        for request in asked["requests"]
        if request.method == "POST"
    ]


class TestList:
    def test_says_what_is_still_plain(self, asked, capsys):
        asked["answers"]["GET keys"] = [KEYS | {"plain_blobs": 2}]

        main.run_command(["key", "list"])

        printed = capsys.readouterr().out
        assert "key_1" in printed
        assert "2 blobs from before are not encrypted: run `pileus key encrypt`" in printed


class TestRotate:
    def test_waits_until_old_blobs_are_encrypted_anew(self, asked, capsys):
        running = FINISHED | {"state": "running", "done": 1}
        asked["answers"]["GET keys"] = [KEYS | {"rewrite": running}, KEYS | {"rewrite": FINISHED}]

        main.run_command(["key", "rotate", "--reencrypt"])

        assert posted(asked) == [("rotate", {"rewrite": True})]
        assert "3 of 3 blobs encrypted" in capsys.readouterr().out

    def test_says_how_many_blobs_stay_under_older_keys(self, asked, capsys):
        old = KEY | {"id": "key_0", "state": "old", "blobs": 7}
        asked["answers"]["GET keys"] = [KEYS | {"keys": [old, KEY]}]

        main.run_command(["key", "rotate"])

        assert "7 blobs stay under older keys" in capsys.readouterr().out

    def test_of_the_master_key_encrypts_no_blob(self, asked, capsys):
        assert main.run_command(["key", "rotate", "--master", "--reencrypt"]) == 2
        assert posted(asked) == []
        assert "not for --master" in capsys.readouterr().err


class TestEncrypt:
    def test_tells_of_damaged_blobs(self, asked, capsys):
        asked["answers"]["GET keys"] = [KEYS | {"rewrite": FINISHED | {"done": 2, "failed": 1}}]

        main.run_command(["key", "encrypt"])

        assert "1 damaged, left as found" in capsys.readouterr().out


class TestShred:
    def test_is_refused_where_nobody_can_be_asked(self, asked, capsys):
        assert main.run_command(["key", "shred", "research"]) == 2
        assert asked["requests"] == []
        assert "--confirm research" in capsys.readouterr().err

    def test_sends_the_confirmation_and_says_what_remains(self, asked, capsys):
        main.run_command(["key", "shred", "research", "--confirm", "research"])

        assert posted(asked) == [("shred", {"confirm": "research"})]
        printed = capsys.readouterr().out
        assert "2 keys destroyed, 3 blobs removed" in printed
        assert "* backups" in printed
