"""Takes a backup of a home, running or not.

First what others take over into the database, then the database as one snapshot, then the rest:
whatever leaves one place in the meantime is found in the next, so nothing that was there at the
beginning is missing. A hold keeps blobs from being removed or rewritten meanwhile.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

import sqlalchemy as sa

from pileus.core.failpoints import failpoint
from pileus.storage.backup import rows
from pileus.storage.backup.archive import Sink
from pileus.storage.backup.errors import BackupRefused
from pileus.storage.backup.point import Kept, Point, Rows, id_at, said
from pileus.storage.backup.selection import other_files, spool_files
from pileus.storage.holds import Hold

HOLDS = Path("state") / "holds"
_PASSES = 10


def layout_of(home: Path) -> int:
    """Version of a home's layout. Raises BackupRefused for what is no home."""
    try:
        return int(json.loads((home / "home.json").read_text(encoding="utf-8"))["schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupRefused(
            f"{str(home)!r} is not the home of an installation", hint="Name it with --home."
        ) from error


class Backup:
    """One backup in the making. `now` tells the time; `url` is the database's."""

    def __init__(
        self,
        home: Path,
        url: str,
        sink: Sink,
        now: Callable[[], datetime],
        version: str,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._home = home
        self._url = url
        self._sink = sink
        self._now = now
        self._version = version
        self._progress = progress
        self._kept: dict[str, Kept] = {}
        self._copied_bytes = 0
        newest = sink.newest
        self._earlier = {} if newest is None else {one.path: one for one in newest.files}

    def take(self) -> Point:
        """Copy everything and make it visible. Raises BackupRefused, and what the database does."""
        home_schema = layout_of(self._home)
        begun = self._now()
        with Hold(self._home / HOLDS, "backup") as hold:
            self._keep(spool_files(self._home), hold)
            database = self._dump()
            hold.renew()
            # A file that went was renamed, or its bytes are under another name now: look again.
            for _ in range(_PASSES):
                if not self._keep(other_files(self._home), hold):
                    break
        point = Point(
            id=id_at(begun),
            at=said(begun),
            ended_at=said(self._now()),
            pileus=self._version,
            home_schema=home_schema,
            database=database,
            files=tuple(self._kept[path] for path in sorted(self._kept)),
            copied_bytes=self._copied_bytes,
        )
        failpoint("backup.copied")
        self._sink.finish(point)
        return point

    def _dump(self) -> Rows:
        # Its digest must be known before it is kept, and a dump may be larger than memory.
        with tempfile.TemporaryFile() as opened:
            file = cast("BinaryIO", opened)
            dumped = rows.dump(self._url, file)
            file.seek(0)
            digest, size, is_new = self._sink.add(file)
        self._copied_bytes += size if is_new else 0
        kind = sa.make_url(self._url).get_backend_name()
        return Rows(kind, dumped.revision, digest, size, dumped.rows)

    def _keep(self, paths: Iterable[str], hold: Hold) -> int:
        """Copy files that are not kept yet; how many had gone."""
        gone = 0
        for relative in paths:
            hold.renew()
            if relative in self._kept:
                continue
            try:
                self._kept[relative] = self._kept_file(relative)
            except FileNotFoundError:
                gone += 1
            self._progress(len(self._kept))
        return gone

    def _kept_file(self, relative: str) -> Kept:
        path = self._home / relative
        found = path.stat()
        earlier = self._earlier.get(relative)
        is_same = (
            earlier is not None
            and relative.startswith("blobs/")
            and (earlier.size, earlier.mtime_ns) == (found.st_size, found.st_mtime_ns)
            and self._sink.has(earlier.digest)
        )
        if earlier is not None and is_same:
            return earlier
        with path.open("rb") as file:
            digest, size, is_new = self._sink.add(file)
        self._copied_bytes += size if is_new else 0
        return Kept(relative, digest, size, found.st_mode & 0o7777, found.st_mtime_ns)
