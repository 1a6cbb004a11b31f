"""Replaces secrets in a stream of bytes, however it is cut into pieces. Standard library only.

A value is known in the forms in which programs print it: as it is, each of its lines, escaped as in
JSON, quoted as in a URL, and as base64, also in the middle of something longer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MASK = b"***"

MIN_BYTES = 4
"""Shorter lines of a value would be found in every other word."""

_MIN_ENCODED = 8
"""A shorter piece of base64 may be anybody's."""


class Masker:
    """One stream. What may be the begin of a secret is held back until more comes.

    Each pattern has `MIN_BYTES` or more, as `patterns_of` makes them.
    """

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._patterns = tuple(patterns)
        self._held = b""
        self._covered = 0
        """How much of what is held belongs to a secret whose mask was given out."""

    def feed(self, data: bytes) -> bytes:
        """What can be told of the stream up to here and was not yet."""
        data = self._held + data
        return self._masked(data, self._undecided(data))

    def finish(self) -> bytes:
        """The rest of the stream. The begin of a secret is one, where the writer was cut off."""
        if len(self._held) - self._covered < MIN_BYTES:
            return self._masked(self._held, len(self._held))
        self._held, self._covered = b"", 0
        return MASK

    def _undecided(self, data: bytes) -> int:
        """Where the longest end of `data` starts that is the begin of a pattern, and no more."""
        return min((_begin(pattern, data) for pattern in self._patterns), default=len(data))

    def _masked(self, data: bytes, until: int) -> bytes:
        """`data` up to there; keeps the rest, and how much of that is told already."""
        out, at = [], self._covered
        was_covered = self._covered > 0
        for start, end in _united([(0, self._covered), *self._found(data)]):
            if start >= until:
                break
            out.append(data[at:start])
            if start > 0 or not was_covered:
                out.append(MASK)
            at = end
        out.append(data[at:until])
        self._held, self._covered = data[until:], max(0, at - until)
        return b"".join(out)

    def _found(self, data: bytes) -> Iterator[tuple[int, int]]:
        for pattern in self._patterns:
            at = data.find(pattern)
            while at >= 0:
                yield at, at + len(pattern)
                at = data.find(pattern, at + 1)


def patterns_of(values: Iterable[bytes]) -> tuple[bytes, ...]:
    """All that is masked of these values."""
    found: dict[bytes, None] = {}
    for value in values:
        for form in _forms(value.strip()):
            if len(form) >= MIN_BYTES:
                found[form] = None
    return tuple(found)


def masked(data: bytes, patterns: Iterable[bytes]) -> bytes:
    """`data` as a whole."""
    masker = Masker(patterns)
    return masker.feed(data) + masker.finish()


def _forms(value: bytes) -> Iterator[bytes]:
    yield value
    for line in value.splitlines():
        yield line.strip()
    text = value.decode("utf-8", "replace")
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode()
    yield quote(value, safe="").encode()
    yield base64.b64encode(value)
    yield base64.urlsafe_b64encode(value)
    for shift in range(3):
        plain = _inner_base64(value, shift)
        if len(plain) >= _MIN_ENCODED:
            yield plain
            yield plain.translate(bytes.maketrans(b"+/", b"-_"))


def _inner_base64(value: bytes, shift: int) -> bytes:
    """The letters of base64 that depend on `value` alone when `shift` bytes (modulo 3) precede it."""
    encoded = base64.b64encode(bytes(shift) + value)
    first = -(-shift * 8 // 6)
    whole = (shift + len(value)) * 8 // 6
    return encoded[first:whole]


def _begin(pattern: bytes, data: bytes) -> int:
    """Where the longest end of `data` starts that is a part of `pattern`'s begin."""
    head = pattern[:MIN_BYTES]
    at = data.find(head, max(0, len(data) - len(pattern) + 1))
    while at >= 0:
        if pattern.startswith(data[at:]):
            return at
        at = data.find(head, at + 1)
    for at in range(max(0, len(data) - len(head) + 1), len(data)):
        if head.startswith(data[at:]):
            return at
    return len(data)


def _united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same places, those that overlap as one; without those that are empty."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
