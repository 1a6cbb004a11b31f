"""
What code inside an attempt uses: its inputs, its outputs, its metrics, and how it ends.

    from pileus_attempt import Attempt

    attempt = Attempt.current()
    for step, loss in enumerate(train(attempt.input("data"), **attempt.params)):
        attempt.log_metric("loss", loss, step)
        if attempt.stop_requested:
            save(attempt.out / "checkpoint")
            attempt.preempted()
            break
    else:
        attempt.finish({"loss": loss})

Standard library only and no other module of Pileus, because it is placed on the `sys.path` of an
environment that belongs to the user. Runs on Python 3.9 and later.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from functools import lru_cache
from math import isfinite
from pathlib import Path
from time import time
from typing import Any, Callable  # noqa: UP035  Python 3.9's

DIRECTORY_VARIABLE = "PILEUS_ATTEMPT_DIR"
TOKEN_VARIABLE = "PILEUS_ATTEMPT_TOKEN_FILE"  # noqa: S105  the name of a variable
CPUS_VARIABLE = "PILEUS_ATTEMPT_CPUS"

_METRICS = Path("report", "metrics.wal")
_RESULT = Path("report", "result.json")


class NotAnAttempt(RuntimeError):
    """Pileus did not start this process."""


class Attempt:
    """The attempt that this process runs."""

    _current: Attempt | None = None

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        spec = _read_object(self.directory / "spec.json")
        self.attempt_id: str = spec.get("attempt", "")
        self.job_id: str = spec.get("job", "")
        self.project: str = spec.get("project", "")
        self.number: int = spec.get("number", 1)
        """1 for the first try of the job."""

        seat = spec.get("seat") or {}
        self.rank: int = seat.get("rank", 0)
        """Which member of a gang this is, from 0."""

        self.gang: int = seat.get("size", 1)
        """Members of the gang."""

        self.request_id: str | None = spec.get("request_id")
        """Of the request that submitted the job: log it, and send it on as `X-Request-Id`."""

        self.params: dict[str, Any] = spec.get("params") or {}
        self._stop_requested = threading.Event()
        self._steps: dict[str, int] = {}
        self._metrics: int | None = None

    @classmethod
    def current(cls) -> Attempt:
        """The attempt of this process, the same object each time. Raises NotAnAttempt.

        Called in the main thread it also arranges that SIGTERM sets `stop_requested` instead of
        ending the process; after `grace_seconds` the process is killed.
        """
        directory = os.environ.get(DIRECTORY_VARIABLE)
        if not directory:
            raise NotAnAttempt(
                f"{DIRECTORY_VARIABLE} is not set: run this as a job, such as with"
                " `pileus run -- python script.py`"
            )
        if cls._current is None or cls._current.directory != Path(directory):
            cls._current = cls(directory)
            _listen(cls._current.request_stop)
        return cls._current

    @property
    def inputs(self) -> Path:
        """Directory with one read-only directory per declared input; absent without any."""
        return self.directory / "inputs"

    def input(self, name: str) -> Path:
        """Directory of one input. Raises KeyError when the job declared none of that name."""
        path = self.inputs / name
        if not path.is_dir():
            known = sorted(p.name for p in self.inputs.iterdir()) if self.inputs.is_dir() else []
            raise KeyError(f"no input {name!r}; this attempt has {known}")
        return path

    @property
    def secrets(self) -> Path:
        """Directory with the secrets that the job has as files; gone when the attempt ends."""
        return self.directory / "secrets"

    @property
    def out(self) -> Path:
        """Directory whose files become the artifacts of the job."""
        return self.directory / "out"

    @property
    def checkpoint(self) -> Path | None:
        """What an earlier attempt left in `out/checkpoint/`; None on a fresh start."""
        path = self.inputs / "checkpoint"
        return path if path.is_dir() else None

    @property
    def token(self) -> str | None:
        """Bearer token of this attempt, for the server's API; None when it has none."""
        path = os.environ.get(TOKEN_VARIABLE)
        return Path(path).read_text(encoding="utf-8").strip() if path else None

    @property
    def cpus(self) -> float:
        """Processors that the job asked for."""
        return float(os.environ.get(CPUS_VARIABLE) or os.cpu_count() or 1)

    @property
    def stop_requested(self) -> bool:
        """Whether to save a checkpoint under `out/checkpoint/` and end, within the grace time."""
        return self._stop_requested.is_set()

    def request_stop(self) -> None:
        """Set `stop_requested`, as SIGTERM does."""
        self._stop_requested.set()

    @property
    def is_finished(self) -> bool:
        """Whether a result was written."""
        return (self.directory / _RESULT).exists()

    @property
    def has_failed(self) -> bool:
        """Whether the result that was written says so."""
        return _read_object(self.directory / _RESULT).get("status") == "failed"

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Report one value. Without `step`, the next one of that metric."""
        at = self._steps.get(name, 0) if step is None else int(step)
        self._steps[name] = at + 1
        number = float(value)
        text = repr(number) if isfinite(number) else json.dumps(number)
        # By hand: a trainer may report in its innermost loop, and an encoder takes twice as long.
        line = f'{{"name":{_quoted(name)},"value":{text},"step":{at},"time":{time():.6f}}}\n'
        if self._metrics is None:
            self._metrics = self._open_metrics()
        # One write, so that lines of several processes do not mix. Not power-safe on purpose.
        os.write(self._metrics, line.encode())

    def finish(self, summary: dict[str, Any] | None = None) -> None:
        """The attempt has succeeded. Its last act: write artifacts before."""
        self._end("succeeded", summary)

    def preempted(self, summary: dict[str, Any] | None = None) -> None:
        """It stopped because it was asked to; `out/checkpoint/` holds where to go on."""
        self._end("preempted", summary)

    def fail(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        summary: dict[str, Any] | None = None,
    ) -> None:
        """The attempt has failed for a reason a person can act on."""
        self._end("failed", summary, {"code": code, "message": message, "hint": hint})

    def _end(
        self,
        status: str,
        summary: dict[str, Any] | None,
        error: dict[str, str | None] | None = None,
    ) -> None:
        result = {"schema": 1, "status": status, "error": error, "summary": summary or {}}
        _replace(self.directory / _RESULT, json.dumps(result).encode())

    def _open_metrics(self) -> int:
        path = self.directory / _METRICS
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")  # a process that was killed left half a line
        return descriptor


def _listen(request_stop: Callable[[], None]) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda _signum, _frame: request_stop())


def _read_object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(document, dict):
        raise NotAnAttempt(f"{str(path)!r} does not hold an object")
    return document


def _replace(path: Path, content: bytes) -> None:
    """Power-safe: after a kill or a loss of power there is the old file or the whole new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@lru_cache(maxsize=1024)
def _quoted(name: str) -> str:
    return json.dumps(str(name))
