"""Bodies that a client compressed: opened, and never to more than a plain body may have."""

from __future__ import annotations

import asyncio
import zlib

from pileus.gateway.errors import BodyTooLarge, BodyUnreadable

_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""What zlib calls each coding. Source: RFC 9110, section 8.4.1."""

_INLINE_BYTES = 8 << 10
"""Opening less takes less than handing it to a thread and back."""


async def plain_body(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """The body that `encoding` stands for. Raises BodyUnreadable or BodyTooLarge."""
    coding = encoding.strip().lower()
    if coding in {"", "identity"}:
        return body
    window = _WINDOW.get(coding)
    if window is None:
        raise BodyUnreadable(
            f"The gateway does not read the content encoding {encoding!r}",
            hint=f"Send the body as it is, or as {' or '.join(sorted(_WINDOW))}.",
        )
    if len(body) <= _INLINE_BYTES:
        return _opened(body, coding, window, max_bytes)
    return await asyncio.to_thread(_opened, body, coding, window, max_bytes)


def _opened(body: bytes, coding: str, window: int, max_bytes: int) -> bytes:
    opening = zlib.decompressobj(window)
    try:
        content = opening.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise BodyUnreadable(
            f"The body is not {coding!r}: {error}", hint="Compress it whole, or send it plain."
        ) from error
    if len(content) > max_bytes:
        raise BodyTooLarge(max_bytes >> 20)
    if not opening.eof or opening.unused_data:
        raise BodyUnreadable(
            f"The body is not one whole {coding!r} stream",
            hint="Compress it whole, or send it plain.",
        )
    return content
