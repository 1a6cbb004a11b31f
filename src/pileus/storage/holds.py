"""Keeps what removes or rewrites blobs away while somebody copies them.

A hold is a file whose time of change is renewed; one that a killed process left is over by itself.
Who removes asks first: `if is_held(home / "state" / "holds"): return`.
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import Self

EXPIRES_SECONDS = 600.0
_RENEW_SECONDS = 60.0


def is_held(directory: Path, now: float | None = None) -> bool:
    """Whether a hold that is not over lies in `directory`, which need not exist."""
    oldest = (time.time() if now is None else now) - EXPIRES_SECONDS
    return directory.is_dir() and any(_changed_at(path) > oldest for path in directory.iterdir())


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # it ended just now
        return 0.0


class Hold:
    """A hold in `directory` for as long as the context lasts and `renew` is called."""

    def __init__(self, directory: Path, reason: str) -> None:
        self._directory = directory
        self._path = directory / f"{reason}-{os.getpid()}-{secrets.token_hex(4)}"
        self._renewed_at = 0.0

    def renew(self) -> None:
        """Go on holding; call it at least every minute or so."""
        if time.monotonic() - self._renewed_at > _RENEW_SECONDS:
            self._path.touch(mode=0o600)
            self._renewed_at = time.monotonic()

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.renew()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._path.unlink(missing_ok=True)
