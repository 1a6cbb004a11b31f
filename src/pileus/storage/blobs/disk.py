"""Blobs as files: `root/<project>/<ab>/<digest>`, written under another name and renamed."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pileus.storage.errors import BlobMismatch, BlobNotFound, StorageFull

CHUNK_BYTES = 1024 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_PROJECT = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")
_INCOMING = "incoming"


class DiskBlobStore:
    """A directory of blobs. One process writes; many may read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # A blob that is written again while it is swept stays: placing and removing take turns.
        self._placing = threading.Lock()

    async def start(self) -> None:
        """Make room, and collect what killed writers left."""
        await asyncio.to_thread(self._start)

    async def put(self, project: str, digest: str, chunks: AsyncIterator[bytes]) -> int:
        path = self._path(project, digest)
        temporary = self._root / _INCOMING / secrets.token_hex(16)
        hasher, size = hashlib.sha256(), 0
        try:
            with temporary.open("xb") as file:
                async for chunk in chunks:
                    hasher.update(chunk)
                    size += len(chunk)
                    await asyncio.to_thread(file.write, chunk)
                if hasher.hexdigest() != digest:
                    raise BlobMismatch(
                        f"Uploaded bytes have SHA-256 {hasher.hexdigest()!r}, not {digest!r}",
                        hint="The file changed while it was read; send it again.",
                    )
                await asyncio.to_thread(_sync, file.fileno())
            await asyncio.to_thread(self._place, temporary, path)
        except OSError as error:
            raise _full(error, digest) from error
        finally:
            temporary.unlink(missing_ok=True)
        return size

    async def put_bytes(self, project: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if not await asyncio.to_thread(self._refresh, self._path(project, digest)):
            await self.put(project, digest, _once(data))
        return digest

    async def get(self, project: str, digest: str) -> AsyncIterator[bytes]:
        path = self._path(project, digest)
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError as error:
            raise BlobNotFound(
                f"Blob {digest!r} not found", hint="Upload it, or check the digest."
            ) from error
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk

    async def size(self, project: str, digest: str) -> int | None:
        path = self._path(project, digest)
        try:
            return (await asyncio.to_thread(path.stat)).st_size
        except FileNotFoundError:
            return None

    async def delete(self, project: str, digest: str) -> None:
        path = self._path(project, digest)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def sweep(self, project: str, keep: Collection[str], before: datetime) -> int:
        directory = self._path(project, "0" * 64).parent.parent
        return await asyncio.to_thread(self._sweep, directory, frozenset(keep), before.timestamp())

    def _start(self) -> None:
        incoming = self._root / _INCOMING
        incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in incoming.iterdir():
            leftover.unlink()

    def _place(self, temporary: Path, path: Path) -> None:
        with self._placing:
            _rename(temporary, path)

    def _refresh(self, path: Path) -> bool:
        """Whether the blob is there; it then counts as written now."""
        with self._placing:
            try:
                os.utime(path)
            except FileNotFoundError:
                return False
            return True

    def _sweep(self, directory: Path, keep: frozenset[str], before: float) -> int:
        gone = 0
        for path in directory.glob("??/*"):
            if path.name in keep:
                continue
            with self._placing, suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    gone += 1
        return gone

    def _path(self, project: str, digest: str) -> Path:
        if not _DIGEST.match(digest):
            raise BlobMismatch(
                f"{digest!r} is not a SHA-256 digest", hint="Use 64 hexadecimal digits."
            )
        if not _PROJECT.match(project) or project == _INCOMING:
            raise BlobNotFound(f"No blobs of project {project!r}")
        return self._root / project / digest[:2] / digest


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)


def _rename(temporary: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _full(error: OSError, digest: str) -> Exception:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFull(
            f"No room on the disk for blob {digest!r}", hint="Free disk space and try again."
        )
    return error


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
