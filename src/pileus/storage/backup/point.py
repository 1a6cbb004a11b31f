"""What one backup says of itself: its document, `backups/<id>.json`.

It names every file by digest and ends with a digest of its own, and it is written last: without it
there is no backup.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pileus.storage.backup.errors import BackupDamaged, BackupTooNew

SCHEMA = 1


@dataclass(frozen=True)
class Kept:
    """One file of the home."""

    path: str
    digest: str
    size: int
    mode: int
    mtime_ns: int


@dataclass(frozen=True)
class Rows:
    """The dump of the database."""

    kind: str
    revision: str
    digest: str
    size: int
    rows: Mapping[str, int]


@dataclass(frozen=True)
class Point:
    """A recovery point: the home as it was at `at`, and in parts a little later."""

    id: str
    at: str
    """Everything until this moment is in it."""

    ended_at: str
    pileus: str
    home_schema: int
    database: Rows
    files: tuple[Kept, ...]
    copied_bytes: int
    """What this backup added; the rest lay there already."""

    schema: int = field(default=SCHEMA)

    @property
    def size(self) -> int:
        """Bytes of all that it holds, as if nothing were shared."""
        return self.database.size + sum(one.size for one in self.files)

    @property
    def digests(self) -> dict[str, int]:
        """Every object that it needs, with its size."""
        found = {one.digest: one.size for one in self.files}
        return {**found, self.database.digest: self.database.size}

    def to_json(self) -> bytes:
        """The document, with its digest."""
        document = asdict(self)
        return _canonical({**document, "digest": _digest(document)})

    @staticmethod
    def from_json(content: bytes, name: str) -> Point:
        """The point of a document. Raises BackupDamaged, BackupTooNew."""
        try:
            document: dict[str, Any] = json.loads(content)
            schema = int(document["schema"])
            digest = document.pop("digest")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(name) from error
        if schema > SCHEMA:
            raise BackupTooNew(
                f"Backup {name!r} has schema {schema}; this version reads up to {SCHEMA}",
                hint="Restore it with the version of Pileus that wrote it, or a newer one.",
            )
        if digest != _digest(document):
            raise _damaged(name)
        document["files"] = tuple(Kept(**one) for one in document["files"])
        document["database"] = Rows(**document["database"])
        return Point(**document)


def id_at(moment: datetime) -> str:
    """The name of a point; names sort by time."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def said(moment: datetime) -> str:
    """A time as documents have it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(document)).hexdigest()


def _canonical(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


def _damaged(name: str) -> BackupDamaged:
    return BackupDamaged(
        f"The document of backup {name!r} is damaged", hint="Use another backup of the list."
    )
