"""Servers and nodes as processes of their own, each of which may be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import httpx
import psutil

from pileus.compute import processes
from pileus.compute.files import read_json
from tests.contract.s3_servers import free_port
from tests.e2e.installation import clean_environment, lives, pileus_words, processes_of, until

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_IN_ANOTHER_BOOT = f'mount --bind "$0" {_BOOT_ID} && exec "$@"'


class Part:
    """A process that is there or not. What ends it is our doing: if it ends by itself, that is a bug."""

    def __init__(self, name: str, directory: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.is_frozen = False
        self.started_at = 0.0
        """On the monotonic clock."""

        self._log = directory / f"{name}.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_up(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Nothing where it is up."""
        if self._process is None:
            self.started_at = time.monotonic()
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._words(),
                    env=clean_environment(**self._environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )

    def kill(self) -> None:
        """kill -9; nothing where it is down."""
        self.check()
        self.end()

    def end(self) -> None:
        """The same, even if it ended without us."""
        if self._process is not None:
            self._process.kill()
            self._gone(_STOP_SECONDS)

    def stop(self) -> None:
        """In good order."""
        assert self._process is not None
        self._process.terminate()
        assert self._gone(_STOP_SECONDS) == 0, f"{self.name} did not stop in good order"

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self) -> None:
        """Nothing where it was killed meanwhile."""
        if self.is_frozen:
            os.kill(self.pid, signal.SIGCONT)
            self.is_frozen = False

    def check(self) -> None:
        """Fails if it ended without us."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise AssertionError(
                f"{self.name} ended by itself with {code}: {self._log.read_text('utf-8')[-2000:]}"
            )

    def _words(self) -> list[str]:
        raise NotImplementedError

    def _gone(self, seconds: float) -> int:
        assert self._process is not None
        code = self._process.wait(seconds)
        self._process, self.is_frozen = None, False
        return code


class Server(Part):
    """A server over a home, which it may share with others."""

    def __init__(self, name: str, home: Path, environment: Mapping[str, str]) -> None:
        super().__init__(name, home.parent, environment)
        self.port = free_port()
        self._home = home

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> None:
        until(self._answers, _START_SECONDS, 0.1)

    def _answers(self) -> bool:
        self.check()
        try:
            return httpx.get(f"{self.url}/api/v1/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def _words(self) -> list[str]:
        return pileus_words("server", "--home", str(self._home), "--port", str(self.port))


class Node(Part):
    """A worker in a home of its own with all that runs below it, and the boot that it is in."""

    def __init__(self, name: str, directory: Path, environment: Mapping[str, str]) -> None:
        self.home = directory / name
        self.home.mkdir(mode=0o700)
        named = {"PILEUS_WORKER__NODE_NAME": name, **environment}
        super().__init__(name, directory, named)
        self._boot = directory / f"{name}.boot"
        self.boot()

    def boot(self) -> None:
        """From the next start on, the kernel names another boot, where that can be feigned."""
        self._boot.write_text(f"{uuid.uuid4()}\n", "ascii")

    def lose(self) -> None:
        """As when the power fails: nothing of it is left."""
        self.check()
        self.end()

    def end(self) -> None:
        super().end()  # first, for it starts others
        for _ in range(2):  # a process may have been about to fork
            while left := processes_of(self.home):
                for process in left:
                    with suppress(psutil.Error):
                        process.kill()
                psutil.wait_procs(left, timeout=10)

    def runners(self, *, attended: bool = False) -> list[psutil.Process]:
        """Those that lead an attempt now; or only those for which this worker has renewed a lease."""
        found = []
        for directory in (self.home / "worker" / "attempts").glob("att_*"):
            runner = read_json(directory / "runner.json") or {}
            pid = runner.get("pid", 0)
            if not pid or processes.start_ticks(pid) != runner.get("start_ticks"):
                continue
            lease = read_json(directory / "lease.json") or read_json(directory / "launch.json")
            renewed_at = (lease or {}).get("confirmed_at", 0.0)
            if attended and renewed_at < self.started_at:
                continue
            with suppress(psutil.Error):
                found.append(psutil.Process(pid))
        return found

    def zygotes(self) -> list[psutil.Process]:
        """The worker's own children; a runner is a child of one of these, or nobody's."""
        with suppress(psutil.Error):
            children = psutil.Process(self.pid).children()
            return [one for one in children if "pileus.compute.zygote" in " ".join(one.cmdline())]
        return []

    def is_empty(self) -> bool:
        """Whether it holds no attempt any more."""
        return not list((self.home / "worker" / "attempts").iterdir())

    def _words(self) -> list[str]:
        words = pileus_words("worker", "--home", str(self.home))
        if not can_feign_boots():
            return words
        return ["unshare", "--mount", "sh", "-c", _IN_ANOTHER_BOOT, str(self._boot), *words]


def kill_runner(runner: psutil.Process, seconds: float = 30.0) -> None:
    """kill -9 of a runner alone. Its worker ends what it led; it has to live until it has.

    Without a worker nobody would: a double fault, of which the platform promises nothing.
    """
    led = runner.children(recursive=True)
    runner.kill()
    deadline = time.monotonic() + seconds
    while any(lives(one.pid) for one in led):
        if time.monotonic() > deadline:
            raise AssertionError(f"what runner {runner.pid} led goes on without it: {led}")
        time.sleep(0.02)


@cache
def can_feign_boots() -> bool:
    """Whether a process may have a kernel of its own words: that takes a mount."""
    try:
        tried = subprocess.run(
            ["unshare", "--mount", "sh", "-c", f"mount --bind /dev/null {_BOOT_ID}"],
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return tried.returncode == 0
