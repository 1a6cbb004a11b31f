"""
Decodes the plainest PNG files to know that they are whole, without Pillow.

60,000 of 28 x 28 take 0.4 s this way and 3.6 s through Pillow, whose cost for a small image is in
setting up. Whatever is not 8-bit grey or RGB in the plainest layout is left to Pillow, and so is
every fault, which Pillow words.
"""

from __future__ import annotations

import zlib
from struct import Struct

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = Struct(">I4sII5BI")
_LENGTH_AND_KIND = Struct(">I4s")
_CHECKSUM = Struct(">I")
_END = b"\0\0\0\0IEND\xaeB`\x82"
_MODES = {0: ("L", 1), 2: ("RGB", 3)}
_FIRST_DATA = 33
_LEAST = _FIRST_DATA + len(_END)
_MAX_PIXELS = 1_000_000
"""Above this, setting up costs nothing beside decoding."""


def plain_png(data: bytes) -> tuple[str, int, int] | None:
    """Mode, width and height of a whole, plain PNG; None for anything else."""
    header, packed = _header(data), _packed(data)
    if header is None or packed is None:
        return None
    mode, channels, width, height = header
    line = 1 + width * channels
    decoder = zlib.decompressobj()
    try:
        lines = decoder.decompress(packed, line * height + 1)
    except zlib.error:
        return None
    # Each line begins with the number of its filter, of which there are five.
    is_whole = len(lines) == line * height and decoder.eof and max(lines[::line]) <= 4
    return (mode, width, height) if is_whole else None


def _header(data: bytes) -> tuple[str, int, int, int] | None:
    """Mode, channels, width and height."""
    if len(data) < _LEAST or not data.startswith(_SIGNATURE) or not data.endswith(_END):
        return None
    length, kind, width, height, *layout, checksum = _HEADER.unpack_from(data, 8)
    depth, color, *others = layout
    if length != 13 or kind != b"IHDR" or zlib.crc32(data[12:29]) != checksum:
        return None
    if depth != 8 or any(others) or color not in _MODES or not 0 < width * height <= _MAX_PIXELS:
        return None
    return (*_MODES[color], width, height)


def _packed(data: bytes) -> bytes | None:
    """What all IDAT chunks hold together; None if there is any other chunk, or a wrong one."""
    pieces = []
    start, end = _FIRST_DATA, len(data) - len(_END)
    while start + 8 <= end:
        length, kind = _LENGTH_AND_KIND.unpack_from(data, start)
        after = start + 8 + length
        if kind != b"IDAT" or after + 4 > end:
            return None
        if zlib.crc32(data[start + 4 : after]) != _CHECKSUM.unpack_from(data, after)[0]:
            return None
        pieces.append(data[start + 8 : after])
        start = after + 4
    return b"".join(pieces) if start == end else None
