"""What a team does all day, told to an installation whose processes die under it."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.installation import Installation, until, value_of
from tests.unit.worker.wheels import make_wheel

PATIENCE_SECONDS = 90.0
"""A command may meet one kill, and what comes up after it; no more."""

CRITICAL = (
    "import fcntl, os, sys, time\n"
    "lock = os.open(sys.argv[1] + '.lock', os.O_RDWR | os.O_CREAT)\n"
    "try:\n"
    "    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    "except BlockingIOError:\n"
    "    open(sys.argv[1] + '.twice', 'w').close()\n"
    "time.sleep(0.4)\n"
    "print('through')\n"
    "open(sys.argv[1] + '.done', 'a').write('1')\n"
)
"""Says so if it runs twice at once: the lock goes with the process that holds it."""

TELLING = (
    "import os\n"
    "value = os.environ['SOAK']\n"
    "path = os.path.join(os.environ['PILEUS_ATTEMPT_SECRETS_DIR'], 'soak.txt')\n"
    "assert open(path).read() == value\n"
    "print('It is', value)\n"
)
"""Tells the secret that it was given."""


@dataclass(frozen=True)
class Restored:
    """A home that was made of a backup, and what had been acknowledged before that was taken."""

    home: Path
    versions: frozenset[str]
    jobs: frozenset[str]


@dataclass
class Seen:
    """What a client of the installation has seen happen."""

    answered: int = 0
    unanswered: int = 0
    """Predictions that were sent and whose answer never came."""

    versions: dict[str, int] = field(default_factory=dict)
    """Dataset version → rows that were put in."""

    jobs: list[str] = field(default_factory=list)
    markers: list[Path] = field(default_factory=list)

    shredded: list[str] = field(default_factory=list)
    """Projects whose keys were destroyed: shredded, or deleted for good."""

    restored: list[Restored] = field(default_factory=list)

    secrets: list[str] = field(default_factory=list)
    """Values that jobs were given, and told."""

    copies: dict[Path, int] = field(default_factory=dict)
    """Table that was exported → how many rows it has."""

    dropped: int = 0
    """Records that the gateway said to have found no room for."""

    is_all_encrypted: bool = False
    """Whether a client was told that no blob is plain any more."""


class Story:
    """Rounds of work; `seen` is what the invariants are held against."""

    def __init__(
        self, installation: Installation, environment: dict[str, str], tries: int = 3
    ) -> None:
        self.installation = installation
        self.seen = Seen()
        self._environment = environment
        self._tries = tries
        self._round = 0
        self._codes = 0

    def encrypt(self, *, is_on: bool) -> None:
        """Whether blobs are encrypted, from the next start on."""
        self._environment["PILEUS_SECURITY__ENCRYPT_BLOBS"] = str(is_on).lower()

    def up(self) -> None:
        """As the owner would: once more, if the machine took it away in the middle."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            done = self._run("up", "--port", "0", "--gateway-port", "0")
            if done.returncode == 0 or b"already" in (done.stdout + done.stderr).encode():
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"up: {done.returncode}\n{done.stdout}{done.stderr}")
            time.sleep(0.5)

    def round(self) -> None:
        """Data in, a training, a model that answers, a command."""
        self._round += 1
        number = self._round
        rows = 60 + number
        version = self._insist("dataset", "create", "soak", str(self._table(number, rows)))
        self.seen.versions[version["id"]] = rows
        words = ("--recipe", "logistic-regression", "--epochs", "4", "--register", "soak")
        self._submit("train", "soak", *words)
        marker = self.installation.directory / f"marker-{number}"
        self.seen.markers.append(marker)
        self._submit("run", "--", sys.executable, "-c", CRITICAL, str(marker))
        self._serve()
        for _ in range(10):
            self.predict()

    def night(self) -> None:
        """A gateway that dies with meters of its own, an orderly stop, up again."""
        until(self.predict, PATIENCE_SECONDS, 0.3)
        self.installation.kill("gateway")
        until(self.predict, PATIENCE_SECONDS, 0.3)
        self.again()

    def again(self) -> None:
        """Down in good order, and up."""
        self._insist("down")
        self.up()

    def keys(self) -> None:
        """Old blobs under a new key, a new master key, a project whose keys are destroyed."""
        self._insist("key", "rotate", "--reencrypt")
        self._insist("key", "encrypt")
        self.seen.is_all_encrypted = True
        self._insist("key", "rotate", "--master")
        name, doomed = self._project()
        self._insist("key", "shred", name, "--confirm", name)
        self.seen.shredded.append(doomed)

    def own_code(self) -> None:
        """A command with code of its own, and an environment that is built for it."""
        self._codes += 1
        folder = self.installation.directory / f"code-{self._codes}"
        wheel = make_wheel(folder / "wheels", version=f"1.{self._codes}")
        (folder / "requirements.txt").write_text(f"./wheels/{wheel.name}\n", "utf-8")
        words = ("--code", str(folder), "--environment", "requirements.txt")
        self._submit("run", *words, "--", "python", "-c", "import tinylesson")

    def secret_job(self) -> None:
        """A command that is given a secret, as a variable and as a file, and tells it."""
        value = f"soak-{secrets.token_hex(16)}"
        path = self.installation.directory / "secret"
        path.write_text(value, "utf-8")
        self._insist("secret", "set", "SOAK", "--from-file", str(path))
        path.unlink()
        self.seen.secrets.append(value)
        words = ("--secret", "SOAK", "--secret-file", "SOAK=soak.txt")
        self._submit("run", *words, "--", sys.executable, "-c", TELLING)

    def copies(self) -> None:
        """Data and a model's files out again, in the place of what was there."""
        version, rows = list(self.seen.versions.items())[-1]
        target = self.installation.directory / "copy"
        self._insist("dataset", "export", version, str(target), "--replace")
        self._insist("dataset", "export", version, "--archive", f"{target}.zip", "--replace")
        self.seen.copies[target] = rows
        trained = self.seen.jobs[0]
        self._insist("job", "artifacts", trained, "--download", str(target.with_name("model")))

    def leave(self) -> None:
        """Deletions for good, a backup, a home made of it."""
        self._insist("dataset", "create", "doomed", str(self._table(0, 60)))
        self._delete("dataset", "doomed")
        name, doomed = self._project()
        self._delete("project", name)
        self._insist("collect")
        self.seen.shredded.append(doomed)
        known = frozenset(self.seen.versions), frozenset(self.seen.jobs)
        backups = str(self.installation.directory / "backups")
        self._insist("backup", backups)
        self._insist("backup", "verify", backups)
        home = self.installation.directory / f"restored-{len(self.seen.restored)}"
        self._insist("--home", str(home), "restore", backups)
        self.seen.restored.append(Restored(home, *known))

    def predict(self) -> bool:
        """One request to the gateway; whether it was answered."""
        body = {"inputs": [self._tensor()]}
        url = f"{self.installation.gateway_url}/v2/models/soak/infer"
        headers = {"Authorization": f"Bearer {self.installation.token}"}
        with suppress(httpx.ConnectError):
            try:
                answer = httpx.post(url, json=body, headers=headers, timeout=10)
            except (httpx.ReadError, httpx.RemoteProtocolError, httpx.ReadTimeout):
                self.seen.unanswered += 1
                return False
            if answer.status_code == 200:
                self.seen.answered += 1
                return True
        return False

    def rest(self) -> None:
        """All jobs at their end and everything up, with no one left to kill it."""
        self.ended()
        until(lambda: self._insist("status")["state"] == "ready", PATIENCE_SECONDS, 0.3)

    def ended(self) -> list[dict[str, Any]]:
        """All jobs of the installation, once each has ended."""
        return list(until(self._all_ended, PATIENCE_SECONDS, 0.3))

    def _serve(self) -> None:
        """The first trained version at an address, answering."""
        # A look takes longer than that of processor time, which the training wants as well.
        until(self._has_model, PATIENCE_SECONDS, 1.0)
        if not any(one["name"] == "soak" for one in self._insist("endpoint", "list")):
            done = self._run("--json", "endpoint", "create", "soak", "--model", "soak:1")
            if done.returncode:
                # A kill between the commit and the answer: it may be there, and then it is right.
                until(
                    lambda: (
                        any(e["name"] == "soak" for e in self._insist("endpoint", "list"))
                        or not self._run(
                            "endpoint", "create", "soak", "--model", "soak:1"
                        ).returncode
                    ),
                    PATIENCE_SECONDS,
                    0.5,
                )
        until(self._answers, PATIENCE_SECONDS, 0.3)

    def _answers(self) -> bool:
        """Whether a request is answered; without a supervisor nobody would bring it up again."""
        if self.predict():
            return True
        if not self._is_held():
            self.up()
        return False

    def _project(self) -> tuple[str, str]:
        """A project with data in it: name and id."""
        name = f"doomed-{len(self.seen.shredded)}"
        made = self._insist("project", "create", name)
        self._insist("--project", name, "dataset", "create", name, str(self._table(0, 60)))
        return name, str(made["project"]["id"])

    def _delete(self, noun: str, name: str) -> None:
        """For good; a kill between the commit and the answer leaves nothing to delete again."""
        until(
            lambda: (
                not self._run(noun, "delete", name, "--now", "--yes").returncode
                or not any(one["name"] == name for one in self._insist(noun, "list"))
            ),
            PATIENCE_SECONDS,
            0.5,
        )

    def _has_model(self) -> bool:
        return any(one["name"] == "soak" for one in self._insist("model", "list"))

    def _submit(self, verb: str, *words: str) -> None:
        before, after = (words, ()) if "--" not in words else ((), words)
        tries = ("--max-attempts", str(self._tries))
        made = self._insist(verb, *before, "--detach", *tries, *after)
        self.seen.jobs.append(made["id"])

    def _all_ended(self) -> list[dict[str, Any]] | None:
        jobs: list[dict[str, Any]] = self._insist("job", "list")
        final = {"succeeded", "failed", "cancelled"}
        return jobs if jobs and all(job["status"] in final for job in jobs) else None

    def _insist(self, *words: str) -> Any:
        """A command, again until it succeeds: whoever is killed is asked again, or up again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            done = self._run("--json", *words)
            if done.returncode == 0:
                return value_of(done)
            if time.monotonic() > deadline:
                raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
            if self._run("status").returncode or not self._is_held():
                self.up()
            time.sleep(0.3)

    def _is_held(self) -> bool:
        done = self._run("--json", "status")
        return done.returncode == 0 and value_of(done)["state"] != "stopped"

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.installation.run(*words, **self._environment)

    def _table(self, number: int, rows: int) -> Path:
        path = self.installation.directory / f"table-{number}.csv"
        lines = ["a,b,label"]
        lines += [f"{i}.{number},{(i * 7) % 13},{'yes' if i % 2 else 'no'}" for i in range(rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _tensor(self) -> dict[str, Any]:
        return {"name": "features", "shape": [1, 2], "datatype": "FP32", "data": [3.0, 4.0]}
