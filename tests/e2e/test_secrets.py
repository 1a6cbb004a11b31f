"""A secret from the hands of an admin to a job, and nowhere else on the disk."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import psutil
import pytest

from tests.e2e.installation import (
    Installation,
    clean_environment,
    pileus_words,
    processes_of,
    until,
)

SECRET = "hunter2-correct-horse-battery"
KEY = "-----BEGIN KEY-----\nQUJDREVGR0hJSktMTU5P\nUFFSU1RVVldYWVphYmNk\n-----END KEY-----\n"

# Prints it in many ways, keeps it as an artifact, and quotes it in the reason of its failure.
SCRIPT = r"""
import base64, os, pathlib, sys, time
from pileus_attempt import Attempt

attempt = Attempt.current()
password = os.environ["DB_PASSWORD"]
key = (attempt.secrets / "key.pem").read_text()
print("plain", password)
for part in (password[:7], password[7:], "\n"):
    sys.stdout.write(part)
    sys.stdout.flush()
    time.sleep(0.05)
print("encoded", base64.b64encode(password.encode()).decode())
print("key", key, file=sys.stderr)
(attempt.out / "copy").write_text(password + key)
while not pathlib.Path("go").exists():
    time.sleep(0.02)
print("after", password)
attempt.fail("refused", f"The database refused {password!r}", summary={"tried": password})
sys.exit(1)
"""


def forms(value: str) -> list[bytes]:
    return [value.encode(), base64.b64encode(value.encode())]


def holders(home: Path) -> list[str]:
    """Files of the home, database and logs included, that hold the secret in any form."""
    wanted = [*forms(SECRET), *(line.encode() for line in KEY.splitlines())]
    paths = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in paths if any(one in path.read_bytes() for one in wanted)]


def set_secret(installation: Installation, name: str, value: str) -> None:
    """As `echo VALUE | pileus secret set NAME` does."""
    words = pileus_words("--home", str(installation.home), "secret", "set", name)
    process = psutil.Popen(
        words, env=clean_environment(HOME=str(installation.directory)), stdin=-1, stdout=-1
    )
    process.communicate(f"{value}\n".encode(), timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize("killed", [None, "worker", "server"])
def test_a_secret_is_in_no_file_of_the_home(rough: Installation, killed: str | None) -> None:
    set_secret(rough, "DB_PASSWORD", SECRET)
    key = rough.directory / "key.pem"
    key.write_text(KEY)
    rough.cli("secret", "set", "KEY", "--from-file", str(key))
    key.unlink()
    script = rough.directory / "tell.py"
    script.write_text(SCRIPT)
    words = ("--secret", "DB_PASSWORD", "--secret-file", "KEY=key.pem")

    submitted = rough.cli("run", "--detach", *words, "--", "python", str(script))
    job = str(submitted["id"])
    directory = until(lambda: rough.attempt_directory(job), seconds=30)
    out = directory / "stdout"
    until(lambda: out.exists() and "encoded" in out.read_text(), seconds=30)
    until(lambda: "***" in (directory / "stderr").read_text(), seconds=30)
    until((directory / "out" / "copy").exists, seconds=30)
    # What the attempt itself writes into `out/` is plain until it is uploaded.
    assert holders(rough.home) == [str(directory / "out" / "copy")]
    memory = (directory / "secrets").resolve()
    assert memory.parts[:3] == ("/", "dev", "shm")
    if killed is not None:
        before = rough.kill(killed)
        until(lambda: rough.pid(killed) not in {None, before}, seconds=10)
    (directory / "work" / "go").touch()
    ended = rough.ended(job)
    until(lambda: not directory.exists(), seconds=10)

    assert (ended["status"], ended["attempts"]) == ("failed", 1)
    assert ended["reason"] == "The database refused '***'"
    assert ended["summary"] == {"tried": "***"}
    assert rough.log(job) == "plain ***\n***\nencoded ***\nafter ***\n"
    with rough.client() as client:
        errors = client.jobs.logs(job, "stderr").decode()
        copy = client.blobs.get(next(iter(client.jobs.artifacts(job)))["digest"])
    assert errors == "key ***\n\n"
    assert copy == (SECRET + KEY).encode()
    assert holders(rough.home) == []
    assert not memory.exists()
    assert SECRET not in json.dumps([submitted, ended, rough.cli("secret", "list")])


def test_a_value_is_neither_an_argument_of_a_process_nor_in_its_parents(
    rough: Installation,
) -> None:
    set_secret(rough, "DB_PASSWORD", SECRET)
    job = str(rough.cli("run", "-d", "--secret", "DB_PASSWORD", "--", "sleep", "60")["id"])
    directory = until(lambda: rough.attempt_directory(job), seconds=30)
    runner = json.loads((directory / "runner.json").read_text())["pid"]
    child = until(lambda: psutil.Process(runner).children(), seconds=10)[0]

    ours = processes_of(rough.home)
    with_it = [process.pid for process in ours if SECRET in process.environ().values()]
    words = [word for process in ours for word in process.cmdline()]
    rough.cli("job", "cancel", job)
    rough.ended(job)

    assert with_it == [child.pid]
    assert SECRET not in words
