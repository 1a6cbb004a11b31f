"""A real installation in a home of its own, driven as its owner would: through the CLI."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from pileus.core.status import EXIT
from pileus.sdk import Client

COMMAND_SECONDS = 110.0
_EPOCH = re.compile(r"^epoch +(\d+)/", re.MULTILINE)


class Installation:
    """One home: commands in it, its processes, and a client of it."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.home = directory / "home"

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of the CLI, stdout and stderr piped."""
        return run_pileus("--home", str(self.home), *words, HOME=str(self.directory), **environment)

    def cli(self, *words: str, json: bool = True) -> Any:
        """What a command that succeeds prints: its JSON value, or the text for a person."""
        done = self.run(*(["--json"] if json else []), *words)
        assert done.returncode == 0, f"pileus {' '.join(words)}\n{done.stdout}{done.stderr}"
        return value_of(done) if json else done.stdout

    def up(self, **environment: str) -> Any:
        done = self.run("--json", "up", "--port", "0", "--gateway-port", "0", **environment)
        assert done.returncode == 0, f"pileus up\n{done.stdout}{done.stderr}"
        return value_of(done)

    def configure(self, text: str) -> None:
        """What `pileus.toml` says from the next start on."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        (self.home / "pileus.toml").write_text(text, encoding="utf-8")

    def down(self) -> Any:
        return self.cli("down")

    def document(self, name: str) -> dict[str, Any]:
        """A document of `run/`; empty when it is not there."""
        with suppress(FileNotFoundError):
            found: dict[str, Any] = json.loads((self.home / "run" / name).read_text("utf-8"))
            return found
        return {}

    def pid(self, process: str) -> int | None:
        """Of `supervisor`, `server`, `gateway` or `worker`."""
        found: int | None = self.document("pids.json").get(process)
        return found

    def kill(self, process: str) -> int:
        """kill -9; the pid that it had."""
        pid = self.pid(process)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextmanager
    def client(self, project: str = "default") -> Iterator[Client]:
        with Client.from_home(self.home, project, patience_seconds=20.0) as client:
            yield client

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.document('ports.json')['gateway']}"

    @property
    def token(self) -> str:
        return str(self.document("tokens.json")["default"])

    def attempt_directory(self, job: str) -> Path | None:
        """Where the newest attempt of a job runs; None before it does."""
        with self.client() as client:
            attempts = list(client.jobs.attempts(job))
        if not attempts:
            return None
        directory = self.home / "worker" / "attempts" / attempts[-1]["id"]
        return directory if (directory / "runner.json").exists() else None

    def until_epoch(self, job: str, epoch: int) -> Path:
        """The directory of the job's attempt, once it has written about that epoch."""
        directory = until(lambda: self.attempt_directory(job), seconds=40)
        out = directory / "stdout"
        until(lambda: out.exists() and epoch in epochs_in(out.read_text("utf-8")), seconds=40)
        return directory

    def ended(self, job: str) -> Any:
        """The job once its status is final."""
        with self.client() as client:
            return client.jobs.wait(job, every_seconds=0.1)

    def log(self, job: str, attempt: str | None = None) -> str:
        with self.client() as client:
            return client.jobs.logs(job, "stdout", attempt).decode("utf-8")

    def end(self) -> None:
        """End by pid whatever is left of it, the supervisor first."""
        if (supervisor := self.pid("supervisor")) is not None and lives(supervisor):
            self.kill("supervisor")
        left = processes_of(self.home)
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=5)


def run_pileus(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of the CLI, without the settings of whoever runs the tests."""
    return subprocess.run(
        pileus_words(*words),
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def pileus_words(*words: str) -> list[str]:
    return [sys.executable, "-m", "pileus", *words]


def clean_environment(**changes: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("PILEUS_")}
    for name in ("NO_COLOR", "FORCE_COLOR"):
        own.pop(name, None)
    return own | changes


def value_of(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON value that a command with --json prints."""
    lines = done.stdout.splitlines()
    assert len(lines) == 1, f"{len(lines)} lines instead of one value\n{done.stdout}{done.stderr}"
    return json.loads(lines[0])


def exit_code(family: type[Exception]) -> int:
    return EXIT[family]


def epochs_in(log: str) -> list[int]:
    """Numbers of the epochs that a training's log tells of."""
    return [int(number) for number in _EPOCH.findall(log)]


def until(condition: Callable[[], Any], seconds: float, every_seconds: float = 0.05) -> Any:
    """What `condition` answers once that is not false."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} is still {found!r} after {seconds} s")
        time.sleep(every_seconds)
    return found


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def processes_of(home: Path) -> list[psutil.Process]:
    """Processes that were started for a home, attempts included."""
    return [process for process in psutil.process_iter() if _belongs(process, home)]


def _belongs(process: psutil.Process, home: Path) -> bool:
    try:
        words = process.cmdline()
        if any(word == str(home) or word.startswith(f"{home}/") for word in words):
            return True
        # A supervisor and its forks, whose words do not tell.
        if any(Path(file.path).is_relative_to(home) for file in process.open_files()):
            return True
        return process.environ().get("PILEUS_ATTEMPT_DIR", "").startswith(f"{home}/")
    except psutil.Error:
        return False
