"""What the gateway knows, in one 0600 file, so that it starts and serves without the server."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import pydantic

from pileus.core.schemas.base import Schema
from pileus.core.schemas.serving import Route, Routes
from pileus.gateway.files import replace_file

log = logging.getLogger(__name__)

SCHEMA = 1


class CachedRoutes(Schema):
    """The server's last word, and what really answers: the two differ while a bundle loads."""

    schema_: int = SCHEMA
    routes: Routes
    live: tuple[Route, ...]


class RouteCache:
    """`routes.json`; its time of modification is the last contact with the server."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> tuple[CachedRoutes, datetime] | None:
        """The last saved, with the time of the last contact; None when there is nothing usable."""
        try:
            content = self._path.read_bytes()
            contact = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
            cached = CachedRoutes.model_validate_json(content)
        except FileNotFoundError:
            return None
        except (OSError, pydantic.ValidationError):
            log.exception("cannot use the cached routes %s; waiting for the server", self._path)
            return None
        if cached.schema_ != SCHEMA:
            log.error("the cached routes have schema %r, not %r", cached.schema_, SCHEMA)
            return None
        return cached, contact

    def save(self, cached: CachedRoutes, contact: datetime) -> None:
        """Keep it. A full disk is logged: what is in memory goes on."""
        try:
            replace_file(self._path, cached.model_dump_json(by_alias=True).encode())
        except OSError as error:
            log.warning("cannot save the routes: %s", error)
            return
        self.touch(contact)

    def touch(self, contact: datetime) -> None:
        """The server was heard at `contact` and had no news."""
        seconds = contact.timestamp()
        try:
            os.utime(self._path, (seconds, seconds))
        except OSError as error:
            log.warning("cannot note the contact with the server: %s", error)
