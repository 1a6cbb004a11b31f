"""Blobs as files that are encrypted with the project's key, under names that tell nothing.

Blobs that were written plain, under their digest, before encryption was on are read as well, until
`rewriting.py` has taken them over.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import datetime
from functools import partial
from typing import BinaryIO

from pileus.storage.blobs.files import BlobFiles
from pileus.storage.blobs.keyring import Keyring, ProjectKeys
from pileus.storage.blobs.naming import check_digest, not_found
from pileus.storage.blobs.receiving import Encoding, Plain, announced, receive, write_hashed
from pileus.storage.blobs.sealing import SEGMENT_BYTES, Opener, Place, Sealer, plain_size
from pileus.storage.errors import ProjectShredded

SUFFIX = ".enc"
"""Ends the name of an encrypted file, so that its content need not tell which kind it is."""

BATCH = 16
"""Segments decrypted in one hop to a thread: a mebibyte."""


class EncryptedBlobStore:
    """A directory of encrypted blobs, which servers may share.

    With `encrypts` off new blobs are plain, and encrypted ones are still read.
    """

    def __init__(self, files: BlobFiles, keyring: Keyring, *, encrypts: bool = True) -> None:
        self._files = files
        self._keyring = keyring
        self._encrypts = encrypts

    async def start(self) -> None:
        await asyncio.to_thread(self._files.start)

    async def put(self, project: str, digest: str, chunks: AsyncIterator[bytes]) -> int:
        name, encoding = await self._encoding(project, digest)
        with self._files.draft(project, name) as draft:
            return await receive(draft, chunks, encoding, announced(digest))

    async def put_hashed(self, project: str, digest: str, parts: Iterator[memoryview]) -> int:
        name, encoding = await self._encoding(project, digest)
        return await write_hashed(partial(self._files.draft, project, name), parts, encoding)

    async def put_bytes(self, project: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        keys = await self._keys(project, digest)
        if not await asyncio.to_thread(self._refresh, project, digest, keys):
            await self.put_hashed(project, digest, iter([memoryview(data)]))
        return digest

    async def get(self, project: str, digest: str, start: int = 0) -> AsyncIterator[bytes]:
        keys = await self._keys(project, digest)
        file, name = await asyncio.to_thread(self._open, project, digest, keys)
        with file:
            if keys is None or name == digest:
                parts = plain_parts(file, start)
            else:
                parts = opened_parts(file, keys, Place(project, name), start)
            async for part in hopping(parts):
                yield part

    async def size(self, project: str, digest: str) -> int | None:
        keys = await self._keys(project, digest)
        return await asyncio.to_thread(self._size, project, digest, keys)

    async def delete(self, project: str, digest: str) -> None:
        try:
            keys = await self._keys(project, digest)
        except ProjectShredded:
            return  # its blobs went with its keys
        for name in stored_names(keys, digest):
            await asyncio.to_thread(self._files.delete, project, name)

    async def sweep(self, project: str, keep: Collection[str], before: datetime) -> int:
        """Remove every blob of the project that is not in `keep` and was last written before
        `before`; how many."""
        self._files.check(project)
        try:
            keys = await self._keyring.find(project)
        except ProjectShredded:
            return 0  # its blobs went with its keys
        kept = {name for digest in keep for name in stored_names(keys, digest)}

        def keeps(name: str) -> bool:
            # Without keys nobody can tell which blob it is; they may come back with a backup.
            return name in kept or (keys is None and name.endswith(SUFFIX))

        return await asyncio.to_thread(self._files.sweep, project, keeps, before.timestamp())

    async def _encoding(self, project: str, digest: str) -> tuple[str, Encoding]:
        """The file of a new blob, and what goes into it."""
        check_digest(digest)
        self._files.check(project)
        if not self._encrypts:
            await self._keyring.find(project)  # a shredded project takes nothing in
            return digest, Plain()
        keys = await self._keyring.ensure(project)
        name = stored_name(keys, digest)
        return name, Sealer(keys.current, keys.key(keys.current), Place(project, name))

    async def _keys(self, project: str, digest: str) -> ProjectKeys | None:
        check_digest(digest)
        self._files.check(project)
        return await self._keyring.find(project)

    def _open(self, project: str, digest: str, keys: ProjectKeys | None) -> tuple[BinaryIO, str]:
        names = stored_names(keys, digest)
        # Looked for twice: a plain one may have become an encrypted one in between.
        for name in (*names, *names):
            file = self._files.open(project, name)
            if file is not None:
                return file, name
        raise not_found(digest)

    def _refresh(self, project: str, digest: str, keys: ProjectKeys | None) -> bool:
        names = stored_names(keys, digest)
        return any(self._files.refresh(project, name) for name in names)

    def _size(self, project: str, digest: str, keys: ProjectKeys | None) -> int | None:
        names = stored_names(keys, digest)
        for name in (*names, *names):
            size = self._files.size(project, name)
            if size is not None:
                return size if name == digest else plain_size(size)
        return None


def stored_name(keys: ProjectKeys, digest: str) -> str:
    """The file of an encrypted blob."""
    return keys.name_of(digest) + SUFFIX


def stored_names(keys: ProjectKeys | None, digest: str) -> tuple[str, ...]:
    """Every file in which a blob may rest."""
    return (digest,) if keys is None else (stored_name(keys, digest), digest)


def plain_parts(file: BinaryIO, start: int = 0) -> Iterator[bytes]:
    """The bytes of a plain blob."""
    file.seek(start)
    while part := file.read(BATCH * SEGMENT_BYTES):
        yield part


def opened_parts(
    file: BinaryIO, keys: ProjectKeys, place: Place, start: int = 0
) -> Iterator[bytes]:
    """The plain bytes of an encrypted blob. Raises BlobDamaged, KeyUnknown."""
    yield from Opener(file, keys.key, place).read(start, BATCH)


async def hopping(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """`parts`, each made in a thread."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        if part:
            yield part
