"""Code of a user's own, from a folder to its end on a node."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pileus.core.errors import NotFound
from pileus.core.schemas.code import code_id
from pileus.sdk.snapshot.listing import list_files
from pileus.sdk.snapshot.packing import pack_files
from tests.e2e.installation import Installation
from tests.unit.worker.wheels import make_wheel, needs_uv

SCRIPT = """\
import pathlib, sys
from pileus_attempt import Attempt
import helper

attempt = Attempt.current()
print(helper.greeting(), sys.argv[1:], pathlib.Path("secret.log").exists())
print(pathlib.Path("data/words.txt").read_text(), file=sys.stderr)
attempt.log_metric("loss", 0.5)
(attempt.out / "made.txt").write_text("made")
pathlib.Path("helper.py").write_text("changed")
"""

CALLER = """\
import sys
from pileus.sdk import Client
import lesson

client = Client.from_home(sys.argv[1])
job = client.jobs.run(lesson.add, 2, more=[3, 4])
print(client.jobs.result(job["id"]))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a script, what it needs, and what it does not."""
    work = tmp_path / "work"
    (work / "data").mkdir(parents=True)
    (work / "train.py").write_text(SCRIPT)
    (work / "helper.py").write_text("def greeting():\n    return 'hello'\n")
    (work / "data" / "words.txt").write_text("words")
    (work / "secret.log").write_text("ignored")
    (work / ".gitignore").write_text("*.log\n")
    (work / ".env").write_text("TOKEN=x\n")
    monkeypatch.chdir(work)
    return work


class TestScript:
    def test_it_runs_with_the_files_of_its_folder(self, calm: Installation, folder: Path) -> None:
        done = calm.run("--json", "run", "train.py", "--epochs", "3")

        assert done.returncode == 0, done.stdout + done.stderr
        job = json.loads(done.stdout)
        assert calm.log(job["id"]) == "hello ['--epochs', '3'] False\n"
        with calm.client() as client:
            assert client.jobs.logs(job["id"], "stderr") == b"words\n"
            assert client.jobs.artifact(job["id"], "made.txt") == b"made"
            assert [metric["name"] for metric in client.jobs.metrics(job["id"])] == ["loss"]
            code = client.code.get(job["spec"]["code"])
        assert job["code_digest"] == code["manifest"]
        assert code["files"] == 4
        assert (folder / "helper.py").read_text().startswith("def")  # the attempt had its own

    def test_any_command_finds_a_named_folder(self, calm: Installation, folder: Path) -> None:
        job = calm.cli("run", "--code", str(folder / "data"), "--", "cat", "words.txt")

        assert calm.log(job["id"]) == "words"

    def test_a_dry_run_uploads_nothing(self, calm: Installation, folder: Path) -> None:
        (folder / "data" / "words.txt").write_text("never seen")

        estimate = calm.cli("run", "--dry-run", "train.py")

        packed = pack_files(list_files(folder), folder.parent / "pack")
        assert estimate["micro_per_hour"] > 0
        with calm.client() as client, pytest.raises(NotFound):
            client.code.get(code_id(packed.manifest.content()))


class TestCallable:
    def test_what_it_returns_comes_back(self, calm: Installation, folder: Path) -> None:
        (folder / "lesson.py").write_text(
            "def add(one, more):\n    return {'sum': one + sum(more)}\n"
        )
        (folder / "call.py").write_text(CALLER)

        done = subprocess.run(
            [sys.executable, "call.py", str(calm.home)], capture_output=True, text=True, check=False
        )

        assert done.returncode == 0, done.stderr
        assert done.stdout == "{'sum': 9}\n"


@needs_uv
class TestEnvironment:
    def test_a_script_finds_what_its_requirements_name(
        self, calm: Installation, folder: Path
    ) -> None:
        make_wheel(folder / "wheels")
        (folder / "requirements.txt").write_text("./wheels/tinylesson-1.0-py3-none-any.whl\n")
        (folder / "learn.py").write_text("import tinylesson\ntinylesson.main()\n")

        first = calm.cli("run", "--environment", "auto", "learn.py")
        again = calm.cli("run", "--environment", "requirements.txt", "learn.py")

        with calm.client() as client:
            built = [client.jobs.logs(job["id"], "stderr") for job in (first, again)]
        assert [calm.log(job["id"]) for job in (first, again)] == ["learned 1.0\n"] * 2
        assert b"Building environment" in built[0]
        assert built[1] == b""

    def test_a_build_that_fails_says_why(self, calm: Installation, folder: Path) -> None:
        (folder / "requirements.txt").write_text("./missing-1.0-py3-none-any.whl\n")

        done = calm.run("run", "--environment", "auto", "train.py")

        assert done.returncode != 0
        assert "cannot be built" in done.stdout + done.stderr
