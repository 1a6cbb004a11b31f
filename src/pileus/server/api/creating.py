"""`Idempotency-Key` on creates: the same key and the same request make one thing."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request

from pileus.storage.idempotency import Once


async def once_of(
    request: Request,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Once | None:
    """The key of this create with a digest of what it asks; None without a key."""
    if idempotency_key is None:
        return None
    content = request.method.encode() + request.url.path.encode() + await request.body()
    return Once(idempotency_key, hashlib.sha256(content).hexdigest())


Creating = Annotated[Once | None, Depends(once_of)]
