"""The home directory of an installation: made, checked and held by one supervisor at a time."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from pileus.core.errors import Conflict, InvalidRequest
from pileus.core.failpoints import failpoint

SCHEMA = 1
"""Version of the layout; a home of a newer one is refused."""

_PRIVATE = 0o700
_SECRET = 0o600
_DIRECTORIES = {
    "state": _PRIVATE,
    "state/backups": _PRIVATE,
    "blobs": _PRIVATE,
    "keys": _PRIVATE,
    "staging": _PRIVATE,
    "run": _PRIVATE,
    "logs": _PRIVATE,
    "gateway": _PRIVATE,
    "worker": _PRIVATE,
}
_KEY_BYTES = 32
_LOCK_PAUSES = (0.02, 0.05, 0.1, 0.0)


class HomeNotUsable(InvalidRequest, code="home_not_usable"):
    """The home cannot be made, written to, or read by this version."""


class AlreadyUp(Conflict, code="already_up"):
    """Another supervisor holds the home."""


class Home:
    """Paths of a home, and the little that is written there before any process runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = path / "run"
        self.logs = path / "logs"

    @property
    def exists(self) -> bool:
        """Whether an installation was made here."""
        return (self.path / "home.json").exists()

    def prepare(self) -> None:
        """Make what is missing: directories, layout version, keys. Raises HomeNotUsable."""
        import secrets  # the supervisor makes none, and OpenSSL would stay with it

        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
            self._check_schema()
            for name, mode in _DIRECTORIES.items():
                (self.path / name).mkdir(parents=True, exist_ok=True, mode=mode)
            write_once(self.path / "keys" / "token.key", secrets.token_hex(_KEY_BYTES))
            write_once(self.run / "worker.token", f"plw_{secrets.token_urlsafe(_KEY_BYTES)}")
            write_once(self.run / "gateway.token", f"plg_{secrets.token_urlsafe(_KEY_BYTES)}")
            write_once(self.run / "metrics.token", f"plm_{secrets.token_urlsafe(_KEY_BYTES)}")
            failpoint("home.keys_made")
            if not self.exists:
                replace(self.path / "home.json", {"schema": SCHEMA})
        except OSError as error:
            raise HomeNotUsable(
                f"Home {str(self.path)!r} cannot be made or written: {error.strerror}",
                hint="Choose another directory with --home, or correct its owner and permissions.",
            ) from error

    def lock(self) -> int:
        """Hold the home: the descriptor to keep open. Raises AlreadyUp.

        The lock belongs to the open file, so a child that inherits the descriptor holds it on.
        """
        for pause in _LOCK_PAUSES:
            descriptor = self._try_lock()
            if descriptor is not None:
                return descriptor
            time.sleep(pause)  # somebody may only be looking, as `is_held` does
        pid = self.read("pids.json").get("supervisor", "not known yet")
        raise AlreadyUp(
            f"Home {str(self.path)!r} is held by the supervisor with process id {pid}",
            hint="Use it as it is, stop it with `pileus down`, or choose another --home.",
        )

    @property
    def is_held(self) -> bool:
        """Whether a supervisor holds the home now. Raises HomeNotUsable when it is a file."""
        if self.path.exists() and not self.path.is_dir():
            raise HomeNotUsable(
                f"Home {str(self.path)!r} is not a directory",
                hint="Choose a directory with --home; `pileus up` makes one.",
            )
        if not (self.path / "lock").exists():
            return False
        descriptor = self._try_lock()
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is None

    def read(self, name: str) -> dict[str, Any]:
        """A document of `run/`; empty when it is not there."""
        try:
            document = json.loads((self.run / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def write(self, name: str, document: object) -> None:
        """Replace a document of `run/`."""
        replace(self.run / name, document)

    def forget(self, *names: str) -> None:
        """Remove documents of `run/`."""
        for name in names:
            (self.run / name).unlink(missing_ok=True)

    def keep_token(self, project: str, token: str) -> None:
        """Remember a token for the command line, beside those of other projects."""
        self.write("tokens.json", {**self.read("tokens.json"), project: token})

    def _try_lock(self) -> int | None:
        import fcntl  # not on Windows, where the CLI is only a client

        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _SECRET)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _check_schema(self) -> None:
        path = self.path / "home.json"
        if not path.exists():
            return
        try:
            schema = int(json.loads(path.read_text(encoding="utf-8"))["schema"])
        except (ValueError, KeyError, TypeError) as error:
            raise HomeNotUsable(
                f"{str(path)!r} is damaged: {error}", hint=f'Write {{"schema": {SCHEMA}}} into it.'
            ) from error
        if schema > SCHEMA:
            raise HomeNotUsable(
                f"Home {str(self.path)!r} has layout {schema}; this version reads up to {SCHEMA}",
                hint="Upgrade with `pip install --upgrade pileus`.",
            )


def replace(path: Path, document: object) -> None:
    """Write JSON by rename: readers see the old document or the new one, whole."""
    _write(path, json.dumps(document, ensure_ascii=False) + "\n")


def write_once(path: Path, text: str) -> None:
    """Write a secret unless the file is there; whole or not at all."""
    if not path.exists():
        _write(path, text + "\n")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    failpoint("home_file.written")
    temporary.replace(path)
