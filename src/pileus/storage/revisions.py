"""Revisions of the schema that this version knows, and what a database file says it is at.

Standard library only: `pileus up` asks before it starts anything.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pileus.storage.errors import HomeTooNew

DIRECTORY = Path(__file__).parent / "migrations"

NONE = "0000"
"""Revision of a database made while there were no migrations yet."""


def revisions(directory: Path = DIRECTORY) -> list[str]:
    """Revisions in order: the numbers that the files begin with, so that nothing is imported."""
    return sorted(file.name[:4] for file in (directory / "versions").glob("[0-9]*.py"))


def known_revision(revision: str, directory: Path = DIRECTORY) -> None:
    """Raises HomeTooNew for a revision that a newer Pileus made."""
    known = [NONE, *revisions(directory)]
    if revision not in known:
        raise HomeTooNew(
            f"The database is at revision {revision!r}; this Pileus knows up to {known[-1]!r}",
            hint="Start the version of Pileus that wrote it, or a newer one.",
        )


def refuse_newer_file(path: Path) -> None:
    """Raises HomeTooNew for a SQLite file that a newer Pileus wrote; else says nothing of it."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:  # empty, damaged, somebody else's: the server says so better
        return
    if found is not None:
        known_revision(str(found[0]))
