"""Starts the log of a process that a command runs, as the home's settings say."""

from __future__ import annotations

import logging
from pathlib import Path

from pileus.core import settings
from pileus.core.logs import setup
from pileus.core.logs.settings import LogsSettings


def start_logs(process: str, home: Path, *, is_supervised: bool) -> None:
    """Log into the home; to stderr too where no supervisor keeps it. Raises InvalidSettings."""
    read = log_settings(home)
    setup.start(process, home / "logs", read, None if is_supervised else logging.NOTSET)


def log_settings(home: Path) -> LogsSettings:
    """What a home says of its logs. Raises InvalidSettings."""
    return settings.load(LogsSettings, "logs", None, home)


def start_supervisor_log(home: Path) -> None:
    """The log of a supervisor that stays attached: stderr is a terminal. Raises as above."""
    read = log_settings(home)
    setup.start("supervisor", home / "logs", read, logging.WARNING)
