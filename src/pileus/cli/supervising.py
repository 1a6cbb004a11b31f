"""`python -m pileus.cli.supervising`: the supervisor, with what the processes under it share.

It stays for as long as the installation runs, so the command tree, which none of them has a use for,
would only take memory.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from pileus.cli import forked, handover
from pileus.cli.home import Home
from pileus.cli.installation import Plan, supervise
from pileus.cli.starting import carry_little
from pileus.core.logs import setup


class Bounds(NamedTuple):
    """Of the log, as whoever starts the supervisor has read them from the settings."""

    level: str
    file_bytes: int
    files: int


def words(home: Home, plan: Plan, bounds: Bounds) -> dict[str, Any]:
    """What a supervisor is told (`handover.py`)."""
    return {"home": str(home.path), "plan": asdict(plan), "bounds": bounds}


def main(arguments: list[str]) -> None:
    """Be warm, hear what to supervise at the socket of this number, and do so until asked to stop."""
    carry_little()
    is_warm = forked.warm_up()
    told = handover.taken_over(int(arguments[0]))
    if told is None:
        return
    given, lock, output = told
    _write_to(output)
    home = Home(Path(given["home"]))
    setup.start("supervisor", home.logs, Bounds(*given["bounds"]), logging.WARNING)
    supervise(home, Plan(**given["plan"]), None, forks=is_warm)
    os.close(lock)


def _write_to(output: int) -> None:
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)


if __name__ == "__main__":
    main(sys.argv[1:])
