"""
A preallocated, memory-mapped file of counters: survives a kill and a full disk.

Header page, then slots of 512 bytes: five counters of 64 bits, the length of the key, the key.
A slot is in use once the length is set, which happens after its key is complete.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from pileus.core.failpoints import failpoint
from pileus.gateway.boot import LaneBoot
from pileus.gateway.files import try_lock

SCHEMA = 1
SLOTS = 1024
SUFFIX = ".meter"
UNFINISHED = ".new"

_HEADER_BYTES = 4096
_SLOT_BYTES = 512
_WORD = 8
_WORDS_PER_SLOT = _SLOT_BYTES // _WORD
_LENGTH_WORD = 5
_KEY_OFFSET = (_LENGTH_WORD + 1) * _WORD


class MeterKey(NamedTuple):
    """What is counted together."""

    project: str
    token: str
    revision: str
    price_id: str


class Header(msgspec.Struct, frozen=True):
    """The first page, as JSON padded with zeros."""

    schema: int
    source: str
    lane: int
    part: int
    """A boot whose slots ran out continues in another file."""

    slots: int


class MeterFile:
    """One mapped file, locked as long as it is open."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, 0)
        # Native words are written in one store each, so a kill cannot tear a counter.
        self.words = memoryview(self._map).cast("Q")
        text = self._map[:_HEADER_BYTES].rstrip(b"\0")
        self.header = msgspec.json.decode(text, type=Header)
        self.used = sum(1 for _ in self.slots())

    @property
    def is_full(self) -> bool:
        return self.used == self.header.slots

    def add(self, key: MeterKey) -> int:
        """The index in `words` of the first counter of a new slot."""
        text = msgspec.json.encode(key)
        if len(text) > _SLOT_BYTES - _KEY_OFFSET:
            raise ValueError(f"meter key {key!r} is longer than {_SLOT_BYTES - _KEY_OFFSET} bytes")
        start = _HEADER_BYTES + self.used * _SLOT_BYTES
        self._map[start + _KEY_OFFSET : start + _KEY_OFFSET + len(text)] = text
        base = start // _WORD
        self.words[base + _LENGTH_WORD] = len(text)
        self.used += 1
        return base

    def slots(self) -> Iterator[tuple[int, MeterKey, list[int]]]:
        """(slot within the boot, key, its five counters) of every slot in use."""
        for index in range(self.header.slots):
            start = _HEADER_BYTES + index * _SLOT_BYTES
            base = start // _WORD
            length = self.words[base + _LENGTH_WORD]
            if length == 0:
                return
            text = self._map[start + _KEY_OFFSET : start + _KEY_OFFSET + length]
            key = MeterKey(*msgspec.json.decode(text, type=tuple[str, str, str, str]))
            slot = self.header.part * self.header.slots + index
            yield slot, key, self.words[base : base + _LENGTH_WORD].tolist()

    def flush(self) -> None:
        """Safe against loss of power."""
        self._map.flush()

    def close(self) -> None:
        self.words.release()
        self._map.close()
        os.close(self._descriptor)

    def delete(self) -> None:
        """Remove it while the lock is still held, so that nobody ships it twice."""
        self.path.unlink(missing_ok=True)
        self.close()


def create(directory: Path, boot: LaneBoot, part: int, slots: int = SLOTS) -> MeterFile:
    """A new file with all of its space allocated. Raises OSError when the disk is full."""
    path = directory / f"{boot.lane:04x}-{boot.source}-{part:04d}{SUFFIX}"
    temporary = path.with_suffix(UNFINISHED)
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try_lock(descriptor)
        # A sparse file would kill us with SIGBUS on a full disk.
        os.posix_fallocate(descriptor, 0, _HEADER_BYTES + slots * _SLOT_BYTES)
        header = Header(SCHEMA, boot.source, boot.lane, part, slots)
        os.pwrite(descriptor, msgspec.json.encode(header), 0)
        os.fsync(descriptor)
        failpoint("meter_file.allocated")
        temporary.rename(path)
        return MeterFile(path, descriptor)
    except OSError:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)
        raise


def open_dead(path: Path) -> MeterFile | None:
    """The file of a boot that is over; None while its lane lives or when it has vanished."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    if not try_lock(descriptor):
        os.close(descriptor)
        return None
    try:
        return MeterFile(path, descriptor)
    except (ValueError, msgspec.DecodeError):
        os.close(descriptor)
        raise


def delete_unfinished(path: Path) -> None:
    """Remove a file whose lane died while it made it; nothing was counted there."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        if try_lock(descriptor):
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
