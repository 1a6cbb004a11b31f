"""A home for the doctor to look at, and a machine that can be made ill."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pileus.cli.doctor.finding import Finding, State
from pileus.cli.doctor.scene import Answer, Scene
from pileus.cli.home import Home
from pileus.core.errors import Unavailable
from pileus.storage.migrate import revisions

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def made_home(directory: Path) -> Home:
    """A home in which an installation was made and stopped in order."""
    home = Home(directory / "home")
    home.prepare()
    with closing(sqlite3.connect(home.path / "state" / "pileus.db")) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES (?)", [revisions()[-1]])
        database.execute("CREATE TABLE big (x)")
        database.executemany("INSERT INTO big VALUES (?)", [(os.urandom(200),)] * 500)
    return home


def scene(home: Home, **changes: Any) -> Scene:
    return Scene(home, "plt_x", **({"now": lambda: NOW} | changes))


def says(document: dict[str, Any], seconds: float = 0.01, date: str | None = None) -> Any:
    """An `ask` that gets this from everybody."""
    return lambda _process, _path: Answer(seconds, document, date)


def is_silent(_process: str, _path: str) -> Answer:
    raise Unavailable("connection refused")


def states(findings: Any) -> set[State]:
    return {finding.state for finding in findings}


def only(findings: Any, state: State) -> Finding:
    [found] = [finding for finding in findings if finding.state is state]
    return found
