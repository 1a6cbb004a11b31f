"""Writes the next revision: what the tables say against what the revisions build."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from alembic import command

from pileus.storage.databases.sql_schema import Schema
from pileus.storage.databases.sqlite import sqlite_engine
from pileus.storage.migrate import DIRECTORY, revisions
from pileus.storage.migrations.running import configured, upgrade
from pileus.storage.table import Table


def write_revision(tables: Iterable[Table], message: str, directory: Path = DIRECTORY) -> Path:
    """The new file, to be read and corrected before it is committed."""
    number = f"{int((revisions(directory) or ['0000'])[-1]) + 1:04}"
    with tempfile.TemporaryDirectory() as scratch:
        engine = sqlite_engine(Path(scratch) / "head.db")
        with engine.begin() as connection:
            metadata = Schema(tables).metadata
            upgrade(connection, metadata, directory)
            config = configured(connection, metadata, directory)
            script = command.revision(config, message, autogenerate=True, rev_id=number)
        engine.dispose()
    if script is None or isinstance(script, list):
        raise RuntimeError(f"alembic wrote no revision {number!r}")
    return Path(script.path)
