"""Reads backups: checks every digest, and makes a home of one where there is none.

A home is made beside its place and renamed, so a restore that is killed leaves nothing there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pileus.core.failpoints import failpoint
from pileus.core.syncing import sync_directory
from pileus.storage.backup import rows
from pileus.storage.backup.archive import CHUNK_BYTES, Source, copy
from pileus.storage.backup.errors import BackupDamaged, BackupTooNew, HomeNotEmpty
from pileus.storage.backup.point import Kept, Point
from pileus.storage.errors import DatabaseForeign
from pileus.storage.revisions import known_revision

_SHOWN = 5
_PRIVATE = 0o700

Adapt = Callable[[Path], str]
"""Called with the home in the making: which database its rows go to, as a URL."""


def verify(source: Source, point: Point, progress: Callable[[int], None] = lambda _: None) -> int:
    """Read all that a point needs; how many objects. Raises BackupDamaged with every bad file."""
    bad = []
    digests = point.digests
    for number, digest in enumerate(digests):
        if not _is_whole(source, digest):
            bad.extend(_names(point, digest))
        progress(number + 1)
    _raise_damaged(point, bad)
    return len(digests)


def restore(
    source: Source,
    point: Point,
    home: Path,
    adapt: Adapt,
    home_schema: int,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Make `home` from a point. Raises HomeNotEmpty, BackupTooNew, HomeTooNew, BackupDamaged,
    DatabaseForeign, StorageFull."""
    _check_empty(home)
    known_revision(point.database.revision)
    if point.home_schema > home_schema:
        raise BackupTooNew(
            f"The home in backup {point.id!r} has layout {point.home_schema};"
            f" this version reads up to {home_schema}",
            hint="Restore it with the version of Pileus that wrote it, or a newer one.",
        )
    with _made_beside(home) as made:
        _place_files(source, point, made, progress)
        _fill(source, point, adapt(made))
        (made / "lock").touch(mode=0o600)
        sync_directory(made)
        failpoint("home.restored")
        if home.exists():
            home.rmdir()
        made.rename(home)
        sync_directory(home.parent)


def _fill(source: Source, point: Point, url: str) -> None:
    try:
        with source.open(point.database.digest) as file:
            rows.load(url, file)
    except DatabaseForeign:
        # A restore that was killed after its last row has left them where they belong.
        with source.open(point.database.digest) as file:
            if not rows.holds(url, file):
                raise


def _place_files(source: Source, point: Point, made: Path, progress: Callable[[int], None]) -> None:
    bad = [] if _is_whole(source, point.database.digest) else _names(point, point.database.digest)
    for number, one in enumerate(point.files):
        if not _placed(source, one, made):
            bad.append(one.path)
        progress(number + 1)
    _raise_damaged(point, bad)
    (made / "state").mkdir(exist_ok=True, mode=_PRIVATE)


def _placed(source: Source, one: Kept, made: Path) -> bool:
    path = made / _inside(one.path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
    try:
        with source.open(one.digest) as file:
            digest, _ = copy(file, path, one.mode & 0o700)
    except BackupDamaged:
        return False
    os.utime(path, ns=(one.mtime_ns, one.mtime_ns))
    return digest == one.digest


def _inside(path: str) -> PurePosixPath:
    """A path of a document, which may have been written by anybody."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise BackupDamaged(f"The backup names a file outside the home: {path!r}")
    return pure


def _is_whole(source: Source, digest: str) -> bool:
    hasher = hashlib.sha256()
    try:
        with source.open(digest) as file:
            while data := file.read(CHUNK_BYTES):
                hasher.update(data)
    except (BackupDamaged, OSError):
        return False
    return hasher.hexdigest() == digest


def _names(point: Point, digest: str) -> list[str]:
    names = [one.path for one in point.files if one.digest == digest]
    return [*names, "the rows of the database"] if digest == point.database.digest else names


def _raise_damaged(point: Point, bad: Iterable[str]) -> None:
    names = sorted(bad)
    if not names:
        return
    shown = ", ".join(map(repr, names[:_SHOWN]))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise BackupDamaged(
        f"Backup {point.id!r} is damaged: {shown}{more}",
        hint="Nothing was written. Restore an earlier one: see `pileus backup list`.",
    )


def _check_empty(home: Path) -> None:
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise HomeNotEmpty(
            f"{str(home)!r} is not an empty directory",
            hint="Name a new home with --home; a restore never writes over one.",
        )


@contextmanager
def _made_beside(home: Path) -> Iterator[Path]:
    """A directory that nobody else makes at the same time; gone afterwards unless renamed."""
    home.parent.mkdir(parents=True, exist_ok=True)
    made = home.with_name(f".{home.name}.restoring")
    descriptor = os.open(home.with_name(f".{home.name}.restoring.lock"), os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeNotEmpty(
                f"Another restore to {str(home)!r} is running", hint="Wait for its end."
            ) from error
        if made.exists():  # a restore was killed
            shutil.rmtree(made)
        made.mkdir(mode=_PRIVATE)
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)
            home.with_name(f".{home.name}.restoring.lock").unlink(missing_ok=True)
    finally:
        os.close(descriptor)
