"""Keeps a zygote per environment: started on first use, started again when it has gone."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from pileus.compute import zygote
from pileus.compute.environments import Environment
from pileus.compute.errors import EnvironmentBroken
from pileus.compute.layout import Layout
from pileus.compute.runner import STARTED
from pileus.core import failpoints

_THREAD_VARIABLES = {
    # Their pools start threads at import, and a process with threads must not fork.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

_START_SECONDS = 120.0
"""A cold import of torch from a slow disk takes its time."""


class ZygoteUnfit(Exception):
    """No zygote can fork this attempt; it can be started the slow way."""


class Zygotes:
    """The warm processes of one worker. Its methods block; call them in a thread."""

    def __init__(
        self,
        environments: Mapping[str, Environment],
        env: Mapping[str, str],
        log: Path,
        idle_seconds: float,
        *,
        runners_outlive_us: bool = False,
    ) -> None:
        """With `runners_outlive_us` runners are nobody's children, whom some that end us end as well."""
        self._environments = environments
        self._runners_outlive_us = runners_outlive_us
        self._env = {**env, **_THREAD_VARIABLES, **failpoints.environment()}
        self._log = log
        self._idle_seconds = idle_seconds
        self._warm: dict[str, _Warm] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def warm_up(self, environment: str) -> bool:
        """Whether its zygote was there already; otherwise it is on its way. Raises ZygoteUnfit."""
        with self._lock:
            known = self._warm.get(environment)
            return self._alive(environment) is known

    def fork(self, environment: str, directory: Path, entry: str | None) -> None:
        """Have the attempt led by a fork: a module's `main`, or without one the launch's command.

        Raises EnvironmentBroken, ZygoteUnfit.
        """
        for _ in range(2):  # the one we know may be ending for want of work just now
            answer = self._ask(environment, directory, entry)
            if answer == STARTED or Layout(directory).runner.exists():
                return
            if answer:
                self._drop(environment)
                raise self._refused(environment, answer)
        raise ZygoteUnfit(f"the zygote of {environment!r} ended without an answer")

    def close(self) -> None:
        """End them all. What they forked goes on."""
        with self._lock:
            self._is_closed = True
            for warm in self._warm.values():
                warm.end()
            self._warm.clear()

    def pid(self, environment: str) -> int | None:
        """Process id of a zygote, if it was started."""
        warm = self._warm.get(environment)
        return None if warm is None else warm.process.pid

    def _ask(self, environment: str, directory: Path, entry: str | None) -> bytes:
        request = json.dumps({"directory": str(directory), "entry": entry}).encode()
        readable, writable = os.pipe()
        try:
            try:
                with self._lock:
                    warm = self._alive(environment)
                    socket.send_fds(warm.socket, [request], [writable])
            except OSError:
                return b""
            finally:
                os.close(writable)
            return read_answer(readable, _START_SECONDS)
        finally:
            os.close(readable)

    def _alive(self, environment: str) -> _Warm:
        if self._is_closed:
            raise ZygoteUnfit("the worker is ending")
        warm = self._warm.get(environment)
        if warm is not None and warm.process.poll() is None:
            return warm
        if warm is not None:
            warm.end()
        self._warm[environment] = fresh = self._start(self._environments[environment])
        return fresh

    def _start(self, environment: Environment) -> _Warm:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        options = {
            "socket": theirs.fileno(),
            "modules": environment.modules,
            "warm": environment.warm,
            "idle_seconds": self._idle_seconds,
            "is_parent": not self._runners_outlive_us,
        }
        with theirs, self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "pileus.compute.zygote", json.dumps(options)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        return _Warm(process, ours)

    def _drop(self, environment: str) -> None:
        """A broken environment may be repaired: the next use imports anew."""
        with self._lock:
            warm = self._warm.pop(environment, None)
        if warm is not None:
            warm.end()

    def _refused(self, environment: str, answer: bytes) -> Exception:
        try:
            refusal = json.loads(answer)
        except ValueError:
            return ZygoteUnfit(f"the zygote of {environment!r} answered {answer!r}")
        if refusal.get("refusal") != zygote.BROKEN:
            return ZygoteUnfit(str(refusal.get("message")))
        return EnvironmentBroken(
            f"Environment {environment!r} does not work on this node: {refusal['message']}",
            hint=self._environments[environment].hint,
        )


class _Warm:
    def __init__(self, process: subprocess.Popen[bytes], requests: socket.socket) -> None:
        self.process = process
        self.socket = requests

    def end(self) -> None:
        self.socket.close()
        self.process.kill()  # it holds nothing, and may be in the middle of a long import
        self.process.wait()


def read_answer(descriptor: int, seconds: float) -> bytes:
    """What comes through a pipe until it closes; empty when nothing came in time."""
    if not select.select([descriptor], [], [], seconds)[0]:
        return b""
    return os.read(descriptor, zygote.MAX_REQUEST_BYTES)
