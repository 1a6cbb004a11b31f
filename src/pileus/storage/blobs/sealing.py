"""The bytes of an encrypted blob: AES-256-GCM segments in the STREAM construction.

STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance, CRYPTO 2015) numbers the segments in their nonces and marks the last one, so that
none can be altered, moved, left out or added. The header, the project and the blob's stored name
are associated data of every segment: a file answers under its own name only.

The layout is in docs/contributing/file-formats.md, the reasons in docs/decisions/0009.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pileus.storage.blobs.naming import damaged

MAGIC = b"PILEUSB"
SCHEMA = 1
SEGMENT_BYTES = 64 * 1024
"""Plain bytes of a segment: what a read in the middle decrypts at least."""

TAG_BYTES = 16
SALT_BYTES = 32
KEY_ID_BYTES = 30
"""`key_` and 26 characters."""

HEADER_BYTES = len(MAGIC) + 1 + KEY_ID_BYTES + SALT_BYTES
_SEALED_BYTES = SEGMENT_BYTES + TAG_BYTES
_PREFIX_BYTES = 7
_KEY_BYTES = 32


@dataclass(frozen=True)
class Header:
    """What stands before the segments: which key, and the salt that makes it this blob's own."""

    key_id: str
    salt: bytes

    @staticmethod
    def fresh(key_id: str) -> Header:
        """The header of a new blob."""
        return Header(key_id, secrets.token_bytes(SALT_BYTES))

    def encode(self) -> bytes:
        """Its bytes. Raises ValueError for a key id of another length."""
        key_id = self.key_id.encode("ascii")
        if len(key_id) != KEY_ID_BYTES:
            raise ValueError(f"key id {self.key_id!r} has not {KEY_ID_BYTES} characters")
        return MAGIC + bytes([SCHEMA]) + key_id + self.salt

    @staticmethod
    def decode(data: bytes, name: str) -> Header:
        """Raises BlobDamaged."""
        if len(data) != HEADER_BYTES or not data.startswith(MAGIC):
            raise damaged(name, "its header is not whole")
        schema = data[len(MAGIC)]
        if schema != SCHEMA:
            raise damaged(name, f"its format is {schema}; this version reads {SCHEMA}")
        start = len(MAGIC) + 1
        key_id = data[start : start + KEY_ID_BYTES]
        if not key_id.isascii():
            raise damaged(name, "its header is not whole")
        return Header(key_id.decode(), data[start + KEY_ID_BYTES :])


@dataclass(frozen=True)
class Place:
    """Where a blob belongs; authenticated with each of its segments."""

    project: str
    name: str


def read_header(file: BinaryIO, name: str) -> Header:
    """The header of the blob in `file`. Raises BlobDamaged."""
    file.seek(0)
    return Header.decode(file.read(HEADER_BYTES), name)


class _Segments:
    """The cipher of one blob: a key of its own, and a nonce for each segment."""

    def __init__(self, key: bytes, header: Header, place: Place) -> None:
        derived = HKDF(
            SHA256(), _KEY_BYTES + _PREFIX_BYTES, salt=header.salt, info=b"pileus blob 1"
        ).derive(key)
        self._cipher = AESGCM(derived[:_KEY_BYTES])
        self._prefix = derived[_KEY_BYTES:]
        self._bound = header.encode() + f"{place.project}/{place.name}".encode()

    def seal(self, number: int, data: memoryview, into: memoryview, *, is_last: bool) -> None:
        self._cipher.encrypt_into(self._nonce(number, is_last=is_last), data, self._bound, into)

    def open(self, number: int, data: memoryview, into: memoryview, *, is_last: bool) -> None:
        """Raises InvalidTag."""
        self._cipher.decrypt_into(self._nonce(number, is_last=is_last), data, self._bound, into)

    def _nonce(self, number: int, *, is_last: bool) -> bytes:
        return self._prefix + number.to_bytes(4, "big") + bytes([is_last])


class Sealer:
    """Encrypts a stream. What it returns, joined, is the file; each is good until the next call."""

    def __init__(self, key_id: str, key: bytes, place: Place) -> None:
        header = Header.fresh(key_id)
        self._segments = _Segments(key, header, place)
        self._number = 0
        self._header = header.encode()
        self._held = bytearray()
        self._sealed = bytearray()

    def update(self, data: memoryview) -> memoryview:
        """Take plain bytes. The last segment is marked as such, so one is always held back."""
        count = max(0, len(self._held) + len(data) - 1) // SEGMENT_BYTES
        into, at = self._begun(count * _SEALED_BYTES)
        if count and self._held:
            missing = SEGMENT_BYTES - len(self._held)
            self._held += data[:missing]
            data = data[missing:]
            with memoryview(self._held) as held:
                at = self._seal(held, into, at)
            self._held.clear()
            count -= 1
        for _ in range(count):
            at = self._seal(data[:SEGMENT_BYTES], into, at)
            data = data[SEGMENT_BYTES:]
        self._held += data
        return into[:at]

    def finish(self) -> memoryview:
        """The last segment, which may be empty."""
        into, at = self._begun(len(self._held) + TAG_BYTES)
        with memoryview(self._held) as held:
            return into[: self._seal(held, into, at, is_last=True)]

    def _begun(self, size: int) -> tuple[memoryview, int]:
        """Room for the header, if it is still to come, and `size` bytes; where these begin."""
        at = len(self._header)
        if len(self._sealed) < at + size:
            self._sealed = bytearray(at + size)
        self._sealed[:at] = self._header
        self._header = b""
        return memoryview(self._sealed), at

    def _seal(self, plain: memoryview, into: memoryview, at: int, *, is_last: bool = False) -> int:
        end = at + len(plain) + TAG_BYTES
        self._segments.seal(self._number, plain, into[at:end], is_last=is_last)
        self._number += 1
        return end


class Opener:
    """Decrypts a file from any offset. Raises BlobDamaged for what was not written so.

    `key` finds the key that the header names.
    """

    def __init__(self, file: BinaryIO, key: Callable[[str], bytes], place: Place) -> None:
        self._file = file
        body = file.seek(0, os.SEEK_END) - HEADER_BYTES
        if body < TAG_BYTES or 0 < body % _SEALED_BYTES < TAG_BYTES:
            raise damaged(place.name, "it was cut")
        header = read_header(file, place.name)
        self._segments = _Segments(key(header.key_id), header, place)
        self._place = place
        self._last = (body - 1) // _SEALED_BYTES

    def read(self, start: int, count: int) -> Iterator[bytes]:
        """Plain bytes from `start`, `count` segments at a time."""
        number = min(start // SEGMENT_BYTES, self._last)
        skipped = start - number * SEGMENT_BYTES
        while number <= self._last:
            end = min(number + count, self._last + 1)
            self._file.seek(HEADER_BYTES + number * _SEALED_BYTES)
            plain = self._opened(number, self._file.read((end - number) * _SEALED_BYTES))
            yield plain[skipped:] if skipped else plain
            number, skipped = end, 0

    def _opened(self, first: int, data: bytes) -> bytes:
        count = -(-len(data) // _SEALED_BYTES)
        if not data or 0 < len(data) % _SEALED_BYTES < TAG_BYTES:
            raise damaged(self._place.name, "it was cut")
        plain = bytearray(len(data) - count * TAG_BYTES)
        with memoryview(data) as sealed, memoryview(plain) as into:
            for segment in range(count):
                number = first + segment
                try:
                    self._segments.open(
                        number,
                        sealed[segment * _SEALED_BYTES :][:_SEALED_BYTES],
                        into[segment * SEGMENT_BYTES :][:SEGMENT_BYTES],
                        is_last=number == self._last,
                    )
                except InvalidTag as error:
                    raise damaged(
                        self._place.name,
                        f"segment {number} of {self._last + 1} is not what was written",
                    ) from error
        return bytes(plain)


def plain_size(size: int) -> int:
    """Plain bytes in a file of `size` bytes, as far as its length tells."""
    body = size - HEADER_BYTES
    return max(0, body - TAG_BYTES * -(-body // _SEALED_BYTES))
