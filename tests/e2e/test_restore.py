"""The restore drill: a home is backed up while it serves, lost, and comes back elsewhere."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import untouched_image
from tests.e2e.installation import Installation, clean_environment, pileus_words, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Asking:
    """Somebody who asks the endpoint for predictions all the time."""

    def __init__(self, installation: Installation, image: Path) -> None:
        self.answered = 0
        self._url = f"{installation.gateway_url}/v2/models/digits/infer"
        self._headers = {
            "Authorization": f"Bearer {installation.token}",
            "Content-Type": "image/png",
        }
        self._content = image.read_bytes()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def ask(self) -> Any:
        answer = httpx.post(self._url, content=self._content, headers=self._headers, timeout=20)
        assert answer.status_code == 200, answer.text
        self.answered += 1
        return answer.json()

    def _ask(self) -> None:
        while not self._is_over.is_set():
            self.ask()
            time.sleep(0.02)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._thread.join()


def kill_when(words: list[str], is_half_way: Callable[[], bool]) -> None:
    """Start a command and kill -9 it at a moment, which it may not reach."""
    process = subprocess.Popen(
        pileus_words(*words), env=clean_environment(), stdout=subprocess.DEVNULL
    )
    while process.poll() is None and not is_half_way():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was still at work"


def everything(installation: Installation) -> dict[str, Any]:
    """What a user sees of each noun, without what a running system changes by itself."""
    with installation.client() as client:
        return {
            "datasets": list(client.datasets.list()),
            "versions": list(client.datasets.versions("digits")),
            "models": list(client.models.list()),
            "endpoints": list(client.endpoints.list()),
            "jobs": [(job["id"], job["spec"], job["created_at"]) for job in client.jobs.list()],
            "members": list(client.members.list()),
            "tokens": list(client.tokens.list()),
            "audit": list(client.lineage.audit()),
            "prices": list(client.bill.prices()),
        }


def status(installation: Installation, job: str) -> Any:
    with installation.client() as client:
        return client.jobs.get(job)["status"]


def count(installation: Installation) -> int:
    with installation.client() as client:
        lines = client.bill.invoice()["lines"]
    return sum(line["quantity"] for line in lines if line["resource"] == "prediction")


def test_a_lost_home_comes_back_with_ids_bill_and_answers(tmp_path: Path) -> None:
    lived = Installation(tmp_path / "lived")
    moved = Installation(tmp_path / "moved")
    archive = tmp_path / "backups"
    at_home = ["--home", str(lived.home)]
    try:
        lived.up()
        version = lived.cli("dataset", "create", "digits", "sample:digits")
        train = ("--recipe", "cnn", "--epochs", "2", "--register", "digits")
        trained = lived.cli("train", "digits", *train)
        lived.cli("endpoint", "create", "digits", "--model", "digits:1")
        image = untouched_image(lived, version)
        long = lived.cli("run", "--detach", "--", "sleep", "600")["id"]
        until(lambda: status(lived, long) == "running", seconds=30)

        asking = Asking(lived, image)
        answer = until(lambda: _answer(asking), seconds=30)
        prediction = answer["parameters"]["prediction_id"]
        with asking.going_on():
            kill_when([*at_home, "backup", str(archive)], lambda: any(archive.glob("objects/*/*")))
            assert lived.cli("backup", "list", str(archive)) == []
            before = datetime.now(UTC).isoformat()
            seen = everything(lived)
            at_least = asking.answered
            point = lived.cli("backup", str(archive))
            after = datetime.now(UTC).isoformat()
            until(lambda: asking.answered > at_least + 5, seconds=20)
        at_most = asking.answered
        bill = lived.cli("bill", "--until", before)
        assert bill["lines"], "something was billed by then"
        lived.cli("backup", "verify", str(archive))

        lived.end()
        shutil.rmtree(lived.home)
        half = lived.home.with_name(f".{lived.home.name}.restoring")
        kill_when([*at_home, "restore", str(archive)], (half / "blobs").exists)
        assert not lived.home.exists()

        for installation in (lived, moved):
            restored = installation.cli("restore", str(archive))
            assert restored["id"] == point["id"]
            # The recovery point is when the backup began: all that was answered by then is in it.
            assert before <= restored["at"] == point["at"] <= after
            assert restored["seconds"] > 0
            installation.up()
            assert everything(installation) == seen
            assert installation.cli("bill", "--until", before) == bill
            again = until(partial(_answer, Asking(installation, image)), seconds=30)
            assert again["outputs"] == answer["outputs"]
            # A record that the gateway had not shipped at the backup is shipped after the restore.
            until(partial(_is_known, installation, prediction), seconds=30)
            lineage = installation.cli("lineage", prediction)
            assert trained["id"] in {step["id"] for step in lineage["steps"]}
            # Everything that was answered when the backup began is on the bill, once.
            until(partial(_has_more_than, installation, at_least), seconds=20)
            assert count(installation) <= at_most + 1
            _assert_runs_again(installation, long)
            installation.cli("job", "cancel", long)
            installation.down()
    finally:
        lived.end()
        moved.end()


def _is_known(installation: Installation, prediction: str) -> bool:
    return installation.run("lineage", prediction).returncode == 0


def _has_more_than(installation: Installation, predictions: int) -> bool:
    return count(installation) > predictions


def _answer(asking: Asking) -> Any:
    try:
        return asking.ask()
    except (AssertionError, httpx.HTTPError):
        return None


def _assert_runs_again(installation: Installation, job: str) -> None:
    """Its first attempt is lost and says so, and the second one runs."""

    def attempts() -> Any:
        with installation.client() as client:
            return [attempt["status"] for attempt in client.jobs.attempts(job)]

    until(lambda: attempts()[-1] == "running" and len(attempts()) == 2, seconds=30)
    assert attempts()[0] == "failed"
