"""A segment: points of some time, metric by metric, in columns; and a thinned copy of each.

What a figure of many points needs is the thinned copies, a 128th of the points, so a query reads
that part of the blob alone. The layout is in docs/contributing/file-formats.md.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from pileus.storage.blob import BlobStore
from pileus.storage.errors import BlobDamaged
from pileus.tracking.points import Series, thin

MAGIC = b"PILEUSM"
SCHEMA = 1
RUN_POINTS = 256
"""Two of so many points are in the thinned copy."""

_SIZE_BYTES = 4
_PREFIX_BYTES = len(MAGIC) + 1 + _SIZE_BYTES
_POINT_BYTES = 24


@dataclass(frozen=True)
class _Extent:
    start: int
    points: int


def encode(series: Mapping[str, Series]) -> bytes:
    """The blob of a segment."""
    thinned = {name: thin(one, max(2, 2 * len(one) // RUN_POINTS)) for name, one in series.items()}
    parts: list[bytes] = []
    at = 0
    header: dict[str, dict[str, list[int]]] = {"thinned": {}, "full": {}}
    for kind, columns in (("thinned", thinned), ("full", series)):
        for name, one in columns.items():
            parts.append(one.encode())
            header[kind][name] = [at, len(one)]
            at += len(parts[-1])
    head = json.dumps(header, separators=(",", ":")).encode()
    return b"".join(
        [MAGIC, bytes([SCHEMA]), len(head).to_bytes(_SIZE_BYTES, "little"), head, *parts]
    )


async def read(
    blobs: BlobStore, project: str, digest: str, name: str, *, is_thinned: bool
) -> Series:
    """One metric of a segment; empty where it has none. Raises BlobNotFound, BlobDamaged."""
    pieces = blobs.get(project, digest)
    data = await _at_least(pieces, bytearray(), _PREFIX_BYTES)
    if not data.startswith(MAGIC) or data[len(MAGIC)] != SCHEMA:
        raise BlobDamaged(f"Blob {digest!r} is no segment of metrics of schema {SCHEMA}")
    size = int.from_bytes(data[len(MAGIC) + 1 : _PREFIX_BYTES], "little")
    body = _PREFIX_BYTES + size
    data = await _at_least(pieces, data, body)
    extent = _extent(bytes(data[_PREFIX_BYTES:body]), name, is_thinned=is_thinned)
    if extent is None:
        return Series()
    start, end = body + extent.start, body + extent.start + extent.points * _POINT_BYTES
    if end > len(data) and start > len(data):
        data, pieces = bytearray(), blobs.get(project, digest, start)
        start, end = 0, end - start
    data = await _at_least(pieces, data, end)
    return Series.decode(bytes(data[start:end]))


def _extent(header: bytes, name: str, *, is_thinned: bool) -> _Extent | None:
    found = json.loads(header)["thinned" if is_thinned else "full"].get(name)
    return None if found is None else _Extent(*found)


async def _at_least(pieces: AsyncIterator[bytes], data: bytearray, size: int) -> bytearray:
    """`data` with as many of the next pieces as make it `size` bytes."""
    while len(data) < size:
        try:
            data += await anext(pieces)
        except StopAsyncIteration as error:
            raise BlobDamaged("A segment of metrics was cut") from error
    return data
