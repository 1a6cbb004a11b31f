"""
Packs: many small items in few blobs, written as they stream.

Holds no item's bytes; equal bytes are stored once. The same items in the same order make the
same packs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pileus.data.schema import Pack

SMALL_BYTES = 1_000_000
"""Items of this size or more are a pack of their own."""

PACK_BYTES = 64_000_000
"""A pack of small items takes no more."""

_BATCH_BYTES = 1_000_000
"""Hashed and written at once: a call to the system for each item of MNIST costs more than the item."""


class Place(NamedTuple):
    """Where an item's bytes are."""

    sha256: str
    size: int
    pack: int
    offset: int


@dataclass(frozen=True)
class LocalBlob:
    """A file to upload, and the SHA-256 that it has."""

    digest: str
    path: Path
    size: int


Sealed = Callable[[LocalBlob], None]
"""Is told a pack as soon as nothing more will be written to it."""


class Packer:
    """Writes packs to files named by their SHA-256 in `directory`."""

    def __init__(self, directory: Path, sealed: Sealed | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._sealed = sealed
        self._packs: list[Pack | None] = []
        self._places: dict[str, Place] = {}
        self._open: _OpenPack | None = None

    def add(self, data: bytes, sha256: str) -> Place:
        """Store an item's bytes, whose SHA-256 the caller has computed."""
        place = self._places.get(sha256)
        if place is None:
            small = len(data) < SMALL_BYTES
            place = self._append(data, sha256) if small else self._alone(data, sha256)
            self._places[sha256] = place
        return place

    def close(self) -> tuple[Pack, ...]:
        """Seal the last pack. Places count in the tuple that this returns."""
        self._seal()
        return tuple(pack for pack in self._packs if pack is not None)

    def blobs(self) -> list[LocalBlob]:
        """The files of all sealed packs."""
        return [self._blob(pack) for pack in self._packs if pack is not None]

    def abandon(self) -> None:
        """Close files, because reading failed."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _append(self, data: bytes, sha256: str) -> Place:
        if self._open is not None and self._open.size + len(data) > PACK_BYTES:
            self._seal()
        if self._open is None:
            self._open = _OpenPack(len(self._packs), self._directory / "open")
            self._packs.append(None)
        return Place(sha256, len(data), self._open.number, self._open.write(data))

    def _alone(self, data: bytes, sha256: str) -> Place:
        number = len(self._packs)
        pack = Pack(sha256, len(data))
        self._blob(pack).path.write_bytes(data)
        self._packs.append(pack)
        self._tell(pack)
        return Place(sha256, len(data), number, 0)

    def _seal(self) -> None:
        if self._open is None:
            return
        pack = self._open.sealed()
        self._open.path.replace(self._blob(pack).path)
        self._packs[self._open.number] = pack
        self._open = None
        self._tell(pack)

    def _blob(self, pack: Pack) -> LocalBlob:
        return LocalBlob(pack.digest, self._directory / pack.digest, pack.size)

    def _tell(self, pack: Pack) -> None:
        if self._sealed is not None:
            self._sealed(self._blob(pack))


class _OpenPack:
    """The pack that small items go to; a thread of its own hashes and writes them."""

    def __init__(self, number: int, path: Path) -> None:
        self.number = number
        self.path = path
        self.size = 0
        self._stream = path.open("wb")
        self._digest = hashlib.sha256()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._writer = ThreadPoolExecutor(1, "pack")
        self._writing: Future[None] | None = None

    def write(self, data: bytes) -> int:
        offset = self.size
        self._held.append(data)
        self._held_bytes += len(data)
        self.size += len(data)
        if self._held_bytes >= _BATCH_BYTES:
            self._pass_on()
        return offset

    def sealed(self) -> Pack:
        self._pass_on()
        self._wait()
        self.close()
        return Pack(self._digest.hexdigest(), self.size)

    def close(self) -> None:
        """Write no more."""
        self._writer.shutdown()
        self._stream.close()

    def _pass_on(self) -> None:
        """Give the thread what is held, when it has done with what came before."""
        self._wait()
        self._writing = self._writer.submit(self._store, self._held)
        self._held, self._held_bytes = [], 0

    def _wait(self) -> None:
        """Until what was given is written. Raises OSError."""
        if self._writing is not None:
            self._writing.result()

    def _store(self, items: list[bytes]) -> None:
        data = b"".join(items)
        self._digest.update(data)
        self._stream.write(data)
