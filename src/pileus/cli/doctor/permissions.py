"""Who may read the home: its owner alone, who is the one that runs it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene

DIRECTORY = 0o700
FILE = 0o600

_DIRECTORIES = (
    "",
    "blobs",
    "gateway",
    "keys",
    "logs",
    "run",
    "staging",
    "state",
    "state/backups",
    "worker",
)
_SECRETS = ("keys/*", "run/*.token", "run/tokens.json", "gateway/routes.json", "state/*.db*")


def check(scene: Scene) -> Iterator[Finding]:
    home = scene.home.path
    if not home.exists():
        yield Finding.skip("permissions", f"{home} does not exist yet")
        return
    directories = [home / name for name in _DIRECTORIES if (home / name).is_dir()]
    files = [path for pattern in _SECRETS for path in sorted(home.glob(pattern)) if path.is_file()]
    problems = [
        *(found for path in directories if (found := _problem(path, DIRECTORY))),
        # The directory around it is closed: what only SQLite made may be as it made it.
        *(found for path in files if (found := _problem(path, _mode_of(path)))),
    ]
    yield from problems
    if not problems:
        count = len(directories) + len(files)
        yield Finding.ok("permissions", f"{count} directories and secrets are closed to others")


def _mode_of(path: Path) -> int:
    return FILE if ".db" not in path.name else 0o644


def _problem(path: Path, mode: int) -> Finding | None:
    status = path.stat()
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        return Finding.fail(
            "permissions",
            f"{str(path)!r} belongs to user {status.st_uid}, and you are {os.geteuid()}",
            f"Run as its owner, or `chown -R {os.geteuid()} {path}`.",
        )
    found = stat.S_IMODE(status.st_mode)
    if found & ~mode:
        return Finding.fail(
            "permissions",
            f"{str(path)!r} has mode {found:04o}: others may read or change it",
            f"Close it with `chmod {mode:04o} {path}`.",
        )
    if mode & ~found & 0o600:
        return Finding.fail(
            "permissions",
            f"{str(path)!r} has mode {found:04o}: you cannot use it yourself",
            f"Correct it with `chmod {mode:04o} {path}`.",
        )
    return None
