import json

import httpx
import pytest

from pileus.cli import main
from pileus.cli.session import Session
from pileus.sdk import Client

JOB = {"id": "job_1", "status": "queued"}


@pytest.fixture
def submitted(monkeypatch, tmp_path):
    """Bodies of the jobs that commands have asked for."""
    bodies: list[dict] = []

    def answer(request):
        bodies.append(json.loads(request.content))
        return httpx.Response(201, json=JOB)

    client = Client("http://pileus.test", "plt_x", transport=httpx.MockTransport(answer))
    monkeypatch.setenv("PILEUS_HOME", str(tmp_path))
    monkeypatch.setattr(Session, "client", client)
    return bodies


class TestClean:
    def test_options_are_steps_in_a_sensible_order(self, submitted):
        words = "--normalise robust --impute mean --drop-duplicates --drop id --drop-texts -d"

        main.run_command(["dataset", "clean", "d@1", *words.split(), "--into", "e", "--seed", "4"])

        (body,) = submitted
        assert (body["kind"], body["dataset"], body["into"]) == ("transform", "d@1", "e")
        assert body["transform"] == {
            "seed": 4,
            "steps": [
                {"step": "drop_columns", "columns": ["id"], "texts": True},
                {"step": "drop_duplicates"},
                {"step": "impute", "using": "mean"},
                {"step": "normalise", "by": "robust"},
            ],
        }
        assert body["dry_run"] is False

    def test_a_dry_run_is_asked_for_as_one(self, submitted):
        main.run_command(["dataset", "clean", "d", "--resize", "8x6", "--dry-run", "-d"])

        (body,) = submitted
        assert body["dry_run"] is True
        assert body["transform"]["steps"] == [{"step": "resize", "width": 8, "height": 6}]


class TestCheck:
    def test_expectations_alone_are_asked_about(self, submitted, tmp_path):
        spec = tmp_path / "spec.toml"
        spec.write_text('steps = [{ step = "grey" }]\n[expect]\nmin_rows = 5\n')

        main.run_command(["dataset", "check", "d", str(spec), "-d"])

        (body,) = submitted
        assert body["transform"] == {"expect": {"min_rows": 5}}
        assert body["dry_run"] is True
