"""Where backups rest: objects by digest, shared by all backups, and a document for each backup.

A directory takes one backup after the other and copies only what is new; a tar file holds one.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from typing_extensions import Buffer

from pileus.core.failpoints import failpoint
from pileus.core.syncing import sync_directory
from pileus.storage.backup.errors import BackupDamaged, BackupNotFound, BackupRefused, BackupRunning
from pileus.storage.backup.point import Point

CHUNK_BYTES = 1024 * 1024
_OBJECTS, _BACKUPS, _INCOMING = "objects", "backups", "incoming"
_MARK = "pileus-backups"


class Sink(Protocol):
    """A place that takes a backup."""

    @property
    def newest(self) -> Point | None:
        """What lies there already, so that it need not be copied again."""
        ...

    def has(self, digest: str) -> bool: ...

    def add(self, source: BinaryIO) -> tuple[str, int, bool]:
        """Keep what `source` gives: digest, size, and whether it was new."""
        ...

    def finish(self, point: Point) -> None:
        """Make the backup visible."""
        ...


class Source(Protocol):
    """A place that backups are read from."""

    def points(self) -> list[str]:
        """Ids, oldest first."""
        ...

    def point(self, id_: str | None = None) -> Point:
        """One of them, the newest when none is named. Raises BackupNotFound, BackupDamaged."""
        ...

    def open(self, digest: str) -> BinaryIO:
        """The bytes of an object. Raises BackupDamaged when they are not there."""
        ...


class DirectoryArchive:
    """`objects/<ab>/<digest>` and `backups/<id>.json` in a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def newest(self) -> Point | None:
        for id_ in reversed(self.points()):
            try:
                return self.point(id_)
            except BackupDamaged:
                continue  # the one before it will do to find what is there
        return None

    @contextmanager
    def writing(self) -> Iterator[DirectoryArchive]:
        """Hold it, and remove what killed backups left half. Raises BackupRefused, BackupRunning."""
        self._check_ours()
        for name in (_OBJECTS, _BACKUPS, _INCOMING):
            (self._root / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._root / _MARK).touch(mode=0o600)
        descriptor = os.open(self._root / _MARK, os.O_RDWR)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BackupRunning(
                    f"Another backup is being written to {str(self._root)!r}",
                    hint="Wait for its end, or name another directory.",
                ) from error
            for leftover in (self._root / _INCOMING).iterdir():
                leftover.unlink()
            yield self
        finally:
            os.close(descriptor)

    def has(self, digest: str) -> bool:
        return self._path(digest).exists()

    def add(self, source: BinaryIO) -> tuple[str, int, bool]:
        temporary = self._root / _INCOMING / secrets.token_hex(16)
        try:
            digest, size = copy(source, temporary)
            if self.has(digest):
                return digest, size, False
            place(temporary, self._path(digest))
            return digest, size, True
        finally:
            temporary.unlink(missing_ok=True)

    def finish(self, point: Point) -> None:
        temporary = self._root / _INCOMING / f"{point.id}.json"
        with temporary.open("wb") as file:
            file.write(point.to_json())
            file.flush()
            os.fsync(file.fileno())
        failpoint("backup_document.written")
        place(temporary, self._root / _BACKUPS / f"{point.id}.json")

    def points(self) -> list[str]:
        return sorted(path.stem for path in (self._root / _BACKUPS).glob("*.json"))

    def point(self, id_: str | None = None) -> Point:
        known = self.points()
        if not known or (id_ is not None and id_ not in known):
            raise _unknown(self._root, id_, known)
        name = id_ or known[-1]
        return Point.from_json((self._root / _BACKUPS / f"{name}.json").read_bytes(), name)

    def open(self, digest: str) -> BinaryIO:
        try:
            return self._path(digest).open("rb")
        except OSError as error:
            raise BackupDamaged(f"Object {digest} cannot be read: {error.strerror}") from error

    def _path(self, digest: str) -> Path:
        return self._root / _OBJECTS / digest[:2] / digest

    def _check_ours(self) -> None:
        if self._root.exists() and not self._root.is_dir():
            raise BackupRefused(
                f"{str(self._root)!r} is a file that is no .tar",
                hint="Name a directory, or a file that ends in .tar.",
            )
        is_other = self._root.exists() and not (self._root / _MARK).exists()
        if is_other and any(self._root.iterdir()):
            raise BackupRefused(
                f"{str(self._root)!r} holds other things than backups",
                hint="Name a directory that is empty or not there yet.",
            )


class TarArchive:
    """One backup in a tar file, of which a killed one leaves nothing under its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._members: dict[str, tarfile.TarInfo] = {}

    newest = None

    @contextmanager
    def writing(self) -> Iterator[TarArchive]:
        """Write it anew. Raises BackupRefused when it is there already."""
        if self._path.exists():
            raise BackupRefused(
                f"{str(self._path)!r} is there already",
                hint="Name another file, or a directory, which takes many backups.",
            )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._known: set[str] = set()
        descriptor = os.open(self._partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file, tarfile.open(fileobj=file, mode="w") as tar:
                self._tar = tar
                yield self
                tar.close()
                file.flush()
                os.fsync(file.fileno())
            place(self._partial, self._path)
        finally:
            self._partial.unlink(missing_ok=True)

    def has(self, digest: str) -> bool:
        return digest in self._known

    def add(self, source: BinaryIO) -> tuple[str, int, bool]:
        # A member's size comes before its bytes, and what is copied may still grow.
        temporary = self._path.with_name(f".{self._path.name}.member")
        try:
            digest, size = copy(source, temporary)
            is_new = digest not in self._known
            if is_new:
                self._tar.add(temporary, _member(digest), filter=_anonymous)
                self._known.add(digest)
            return digest, size, is_new
        finally:
            temporary.unlink(missing_ok=True)

    def finish(self, point: Point) -> None:
        temporary = self._path.with_name(f".{self._path.name}.member")
        temporary.write_bytes(point.to_json())
        self._tar.add(temporary, f"{_BACKUPS}/{point.id}.json", filter=_anonymous)
        temporary.unlink()

    def points(self) -> list[str]:
        names = [name for name in self._index() if name.startswith(f"{_BACKUPS}/")]
        return sorted(Path(name).stem for name in names)

    def point(self, id_: str | None = None) -> Point:
        known = self.points()
        if not known or (id_ is not None and id_ not in known):
            raise _unknown(self._path, id_, known)
        name = id_ or known[-1]
        with self._read(f"{_BACKUPS}/{name}.json") as file:
            return Point.from_json(file.read(), name)

    def open(self, digest: str) -> BinaryIO:
        if _member(digest) not in self._index():
            raise BackupDamaged(f"Object {digest} is not in {str(self._path)!r}")
        return self._read(_member(digest))

    def _read(self, name: str) -> BinaryIO:
        """A member by its place in the file, so that many may be open and none is sought twice."""
        member = self._index()[name]
        file = self._path.open("rb")
        file.seek(member.offset_data)
        return io.BufferedReader(_Part(file, member.size), CHUNK_BYTES)

    def _index(self) -> dict[str, tarfile.TarInfo]:
        if not self._members:
            try:
                with tarfile.open(self._path, "r:") as tar:
                    self._members = {member.name: member for member in tar}
            except (tarfile.TarError, OSError) as error:
                raise BackupDamaged(
                    f"{str(self._path)!r} is not a tar file of Pileus: {error}",
                    hint="Name a directory or .tar that `pileus backup` wrote.",
                ) from error
        return self._members


class _Part(io.RawIOBase):
    """The bytes of one member."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__()
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)[: self._left]
        data = self._file.read(len(view))
        view[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def archive_at(path: Path) -> DirectoryArchive | TarArchive:
    """The archive that a path names, which need not be there."""
    return (
        TarArchive(path) if path.suffix == ".tar" and not path.is_dir() else DirectoryArchive(path)
    )


def source_at(path: Path) -> DirectoryArchive | TarArchive:
    """The archive at a path. Raises BackupNotFound."""
    if not path.exists():
        raise BackupNotFound(
            f"There is no backup at {str(path)!r}", hint="Make one with `pileus backup DIRECTORY`."
        )
    return DirectoryArchive(path) if path.is_dir() else TarArchive(path)


def copy(source: BinaryIO, target: Path, mode: int = 0o600) -> tuple[str, int]:
    """Write what `source` gives to a new file, synced; its SHA-256 and size."""
    hasher, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        while data := source.read(CHUNK_BYTES):
            hasher.update(data)
            size += len(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hasher.hexdigest(), size


def place(temporary: Path, path: Path) -> None:
    """Give a file its name, for good."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary.replace(path)
    sync_directory(path.parent)


def _member(digest: str) -> str:
    return f"{_OBJECTS}/{digest[:2]}/{digest}"


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _unknown(where: Path, id_: str | None, known: list[str]) -> BackupNotFound:
    if not known:
        return BackupNotFound(
            f"There is no whole backup in {str(where)!r}",
            hint="One that was interrupted does not count; make one with `pileus backup`.",
        )
    return BackupNotFound(
        f"There is no backup {id_!r} in {str(where)!r}; the newest is {known[-1]!r}",
        hint="See `pileus backup list`.",
    )
