"""kill -9 of each process while a training runs: nothing is lost, nothing happens twice."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.conftest import Digits
from tests.e2e.installation import Installation, epochs_in, lives, until


def start_training(installation: Installation, epochs: int) -> str:
    """A job that trains for about a tenth of a second an epoch, and never stops early."""
    words = ("--recipe", "cnn", "--epochs", str(epochs), "--set", "patience=1000", "--detach")
    return str(installation.cli("train", "digits", *words)["id"])


def runner_in(directory: Any) -> int:
    return int(json.loads((directory / "runner.json").read_text("utf-8"))["pid"])


def assert_undisturbed(installation: Installation, job: str, epochs: int) -> None:
    """One attempt did it all, and each epoch is in the log once."""
    ended = installation.ended(job)
    assert (ended["status"], ended["attempts"], ended["failures"]) == ("succeeded", 1, 0)
    assert epochs_in(installation.log(job)) == list(range(1, epochs + 1))
    metrics = {row["name"]: row for row in installation.cli("job", "metrics", job)}
    assert metrics["train_loss"]["count"] == epochs
    with installation.client() as client:
        [attempt] = client.jobs.attempts(job)
        entries = [entry for entry in client.bill.ledger() if job in entry.values()]
    held = datetime.fromisoformat(attempt["ended_at"]) - datetime.fromisoformat(
        attempt["created_at"]
    )
    used = sum(entry["quantity"] for entry in entries if entry["resource"] == "cpu")
    assert used == pytest.approx(held.total_seconds() * 1000, abs=5), "of one processor, in ms"


class TestServer:
    def test_the_training_goes_on_while_the_server_is_killed(self, rough: Installation) -> None:
        job = start_training(rough, epochs=20)
        directory = rough.until_epoch(job, 3)
        runner = runner_in(directory)

        killed = rough.kill("server")

        assert lives(runner)
        until(lambda: rough.pid("server") not in {None, killed}, seconds=3)
        assert_undisturbed(rough, job, epochs=20)
        until(lambda: not lives(runner), seconds=5)


class TestWorker:
    def test_another_worker_adopts_the_training(self, rough: Installation) -> None:
        job = start_training(rough, epochs=20)
        directory = rough.until_epoch(job, 3)
        runner = runner_in(directory)

        killed = rough.kill("worker")

        until(lambda: rough.pid("worker") not in {None, killed}, seconds=3)
        assert lives(runner)
        assert_undisturbed(rough, job, epochs=20)
        until(lambda: not directory.exists(), seconds=5)


class TestRunner:
    def test_a_killed_runner_costs_one_attempt_and_the_reason_says_so(
        self, rough: Installation, tmp_path: Path
    ) -> None:
        marker = tmp_path / "began"
        script = f"test -e '{marker}' && exit 0; touch '{marker}'; sleep 60"
        job = rough.cli("run", "--detach", "--", "/bin/sh", "-c", script)["id"]
        until(marker.exists, seconds=10)
        directory = until(lambda: rough.attempt_directory(job), seconds=10)
        runner = runner_in(directory)
        led = psutil.Process(runner).children(recursive=True)
        assert led

        os.kill(runner, signal.SIGKILL)

        gone, _ = psutil.wait_procs(led, timeout=5)
        assert len(gone) == len(led), "what a killed runner led must not live on"
        ended = rough.ended(job)
        assert (ended["status"], ended["attempts"], ended["failures"]) == ("succeeded", 2, 1)
        why = rough.cli("why", job)
        assert [one["status"] for one in why["attempts"]] == ["failed", "succeeded"]
        assert why["attempts"][0]["reason"] == (
            "The runner vanished during attempt 1; it will be tried again"
        )
        assert (why["state"], why["reason"]) == ("succeeded", "It succeeded")


class TestGateway:
    def test_it_answers_again_within_a_second_or_so(
        self, calm: Installation, digits: Digits
    ) -> None:
        url = f"{calm.gateway_url}/v2/models/digits/infer"
        headers = {"Authorization": f"Bearer {calm.token}", "Content-Type": "image/png"}
        image = digits.image.read_bytes()
        before = httpx.post(url, content=image, headers=headers)

        killed = calm.kill("gateway")
        began = time.monotonic()

        def answered() -> httpx.Response | None:
            try:
                answer = httpx.post(url, content=image, headers=headers)
            except httpx.TransportError:
                return None
            return answer if answer.status_code == 200 else None

        after = until(answered, seconds=10)
        assert time.monotonic() - began < 4, "a loaded machine may take some of this"
        assert calm.pid("gateway") != killed
        assert after.json()["outputs"] == before.json()["outputs"]


class TestDown:
    @pytest.mark.slow
    def test_after_down_and_up_a_training_goes_on_from_its_checkpoint(
        self, rough: Installation
    ) -> None:
        job = rough.cli("train", "digits", "--recipe", "cnn", "--detach")["id"]
        rough.until_epoch(job, 4)

        rough.down()
        rough.up()

        ended = rough.ended(job)
        assert (ended["status"], ended["attempts"], ended["failures"]) == ("succeeded", 2, 0)
        assert ended["summary"]["accuracy"] > 0.97
        with rough.client() as client:
            first, second = list(client.jobs.attempts(job))
        assert first["status"] == "stopped"
        log = rough.log(job, second["id"])
        assert "going on from the checkpoint of epoch" in log
        done, resumed = epochs_in(rough.log(job, first["id"])), epochs_in(log)
        assert resumed[0] > 1
        assert done + resumed == list(range(1, ended["summary"]["epochs"] + 1))


class TestSupervisor:
    @pytest.mark.slow
    def test_its_processes_end_with_it_and_the_training_is_adopted_by_the_next(
        self, rough: Installation
    ) -> None:
        job = start_training(rough, epochs=120)
        directory = rough.until_epoch(job, 3)
        runner = runner_in(directory)
        others = [rough.pid(name) for name in ("server", "gateway", "worker")]

        rough.kill("supervisor")

        until(lambda: not any(lives(pid) for pid in others if pid), seconds=10)
        assert lives(runner)
        assert rough.cli("status")["state"] == "stopped"
        rough.up()
        assert lives(runner), "the training was too short to be adopted"
        assert_undisturbed(rough, job, epochs=120)
