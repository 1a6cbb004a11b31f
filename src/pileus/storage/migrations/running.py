"""Alembic over a transaction that is already open; imported only when there is something to do."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def configured(connection: sa.Connection, metadata: sa.MetaData, directory: Path) -> Config:
    """Alembic over an open transaction."""
    config = Config()
    config.set_main_option("script_location", str(directory).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes.update(connection=connection, metadata=metadata)
    return config


DIRECTORY = Path(__file__).parent


def upgrade(
    connection: sa.Connection,
    metadata: sa.MetaData,
    directory: Path = DIRECTORY,
    to: str = "head",
) -> None:
    """Run every revision that the database has not seen, up to `to`."""
    command.upgrade(configured(connection, metadata, directory), to)
