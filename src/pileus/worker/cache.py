"""Blobs that inputs were made of, kept for the next attempt; each named by its digest.

A cached file is shared with attempts by hard link. They may not write to it, but some run as a user
whom permissions do not stop: a file whose time of change is not ours is read again before use.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakValueDictionary

from pileus.core.failpoints import failpoint
from pileus.core.schemas.jobs import InputFile
from pileus.worker.errors import InputDamaged, InputRefused
from pileus.worker.link import ServerLink

_DIGEST = re.compile(r"^[0-9a-f]{64}$")
_PARTIAL = "."
"""Starts the name of what is being fetched."""

_READ_ONLY = 0o400
_UNTOUCHED_NS = 1_000_000_000
"""Modification time of files that we verified; any write moves it."""

_PIECE_BYTES = 1024 * 1024
_MIB = 1024 * 1024


class BlobCache:
    """Verified blobs below `root`, a directory per project."""

    def __init__(self, root: Path, link: ServerLink, max_mib: int) -> None:
        self._root = root
        self._link = link
        self._max_bytes = max_mib * _MIB
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    def start(self) -> None:
        """Remove what was half fetched when a worker was killed. One worker has this directory."""
        for partial in self._root.rglob(f"{_PARTIAL}*"):
            partial.unlink(missing_ok=True)

    async def get(self, project: str, file: InputFile) -> Path:
        """A verified local file with the blob's bytes. Raises InputDamaged, InputRefused."""
        if not _DIGEST.match(file.digest) or "/" in project or project.startswith("."):
            raise InputRefused(f"{file.digest!r} of {project!r} is not the digest of a blob")
        path = self._root / project / file.digest[:2] / file.digest
        async with self._locks.setdefault(path, asyncio.Lock()):
            if not await asyncio.to_thread(_is_sound, path, file):
                await self._fetch(project, file, path)
            os.utime(path, ns=(time.time_ns(), _UNTOUCHED_NS))
            return path

    def trim(self) -> None:
        """Remove the longest unused until the rest fits."""
        files = sorted(_files(self._root), key=lambda entry: entry[0])
        excess = sum(size for _, size, _ in files) - self._max_bytes
        for _, size, path in files:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size

    async def forget_deleted(self) -> int:
        """Remove what was cached for projects that are no more; how many. Raises what asking does.

        What is cached is looked up before the server is asked: a project that is made meanwhile
        is not among it.
        """
        cached = [path for path in self._root.glob("*") if path.is_dir()]
        if not cached:
            return 0
        projects = await self._link.projects()
        gone = [path for path in cached if path.name not in projects]
        for path in gone:
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
        return len(gone)

    async def _fetch(self, project: str, file: InputFile, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f"{_PARTIAL}{path.name}.{secrets.token_hex(8)}")
        try:
            with temporary.open("xb") as target:
                hasher, size = hashlib.sha256(), 0
                async for piece in self._link.blob(project, file.digest):
                    hasher.update(piece)
                    size += len(piece)
                    target.write(piece)
            if hasher.hexdigest() != file.digest or size != file.size:
                raise InputDamaged(
                    f"Blob {file.digest!r} of {file.path!r} arrived as {size} bytes with digest"
                    f" {hasher.hexdigest()!r}, not as {file.size} bytes"
                )
            temporary.chmod(_READ_ONLY)
            failpoint("cached_blob.written")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _is_sound(path: Path, file: InputFile) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if status.st_size != file.size:
        return False
    if status.st_mtime_ns == _UNTOUCHED_NS:
        return True
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.digest


def _files(root: Path) -> Iterator[tuple[int, int, Path]]:
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory) / name
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            yield status.st_atime_ns, status.st_size, path
