"""`python -m pileus.cli.supervising`: the supervisor, with what the processes under it share.

It stays for as long as the installation runs, so the command tree, which none of them has a use for,
would only take memory.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import NamedTuple

from pileus.cli import forked
from pileus.cli.home import Home
from pileus.cli.installation import Plan, supervise
from pileus.cli.starting import carry_little
from pileus.core.logs import setup


class Bounds(NamedTuple):
    """Of the log, as whoever starts the supervisor has read them from the settings."""

    level: str
    file_bytes: int
    files: int


def words(home: Home, plan: Plan, lock: int, bounds: Bounds) -> list[str]:
    """The command of a supervisor that goes on holding the lock that was taken for it."""
    options = ["--home", str(home.path), "--host", plan.host, "--port", str(plan.port)]
    options += ["--gateway-port", str(plan.gateway_port), "--lock-fd", str(lock)]
    options += ["--log-level", bounds.level, "--log-file-bytes", str(bounds.file_bytes)]
    options += ["--log-files", str(bounds.files)]
    return [sys.executable, "-m", __name__, *options]


def main(arguments: list[str]) -> None:
    """Supervise until asked to stop."""
    carry_little()
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    home = Home(Path(given["--home"]))
    plan = Plan(given["--host"], int(given["--port"]), int(given["--gateway-port"]))
    sizes = int(given["--log-file-bytes"]), int(given["--log-files"])
    setup.start("supervisor", home.logs, Bounds(given["--log-level"], *sizes), logging.WARNING)
    supervise(home, plan, None, forks=forked.warm_up())
    os.close(int(given["--lock-fd"]))


if __name__ == "__main__":
    main(sys.argv[1:])
