"""Blobs: content-addressed bytes of a project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from pileus.core.errors import LimitExceeded
from pileus.core.failpoints import failpoint
from pileus.core.schemas.base import Schema
from pileus.core.staging import NAME
from pileus.server.api import routing
from pileus.server.api.access import BlobReader, BlobWriter, Use
from pileus.server.services import Services
from pileus.storage.errors import BlobNotFound
from pileus.storage.staged import read_in_parts

router = routing.router("blobs")

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BlobTooLarge(LimitExceeded, code="blob_too_large"):
    """An upload above the server's limit."""


class Digests(Schema):
    """SHA-256 digests in hex."""

    digests: Annotated[list[Digest], Field(max_length=10_000)]


class Staged(Schema):
    """Where a client left the file that bears the digest."""

    directory: Annotated[str, Field(pattern=f"^{NAME}$")]


class Missing(Schema):
    """Those that must be uploaded."""

    missing: list[str]


class Stored(Schema):
    """What was stored."""

    digest: str
    size: int


@router.post("/projects/{project}/blobs/missing")
async def missing_blobs(body: Digests, owner: BlobWriter, services: Use) -> Missing:
    """Which of these the project does not have yet."""
    return Missing(missing=await services.storage.missing(owner, body.digests))


@router.put("/projects/{project}/blobs/{digest}")
async def put_blob(digest: str, request: Request, owner: BlobWriter, services: Use) -> Stored:
    """Store the body, whose SHA-256 must be `digest`. Repeating it changes nothing."""
    limit = services.max_blob_bytes
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    return await _stored(services, owner, digest, _bounded(request.stream(), limit))


@router.post("/projects/{project}/blobs/{digest}/staged")
async def take_staged_blob(digest: str, body: Staged, owner: BlobWriter, services: Use) -> Stored:
    """Store a file that a client on the server's machine left in its home. Otherwise as an upload."""
    with services.staging.open(body.directory, digest) as file:
        content = _bounded(read_in_parts(file), services.max_blob_bytes)
        return await _stored(services, owner, digest, content)


@router.get("/projects/{project}/blobs/{digest}")
async def get_blob(digest: str, owner: BlobReader, services: Use) -> StreamingResponse:
    """The bytes."""
    if await services.storage.is_freed(owner, digest):
        raise BlobNotFound(
            f"Everything that named blob {digest!r} was deleted",
            hint="See `pileus deleted`; `pileus undelete ID` brings it back within its grace.",
        )
    return await streamed(services, owner, digest)


async def streamed(services: Services, project: str, digest: str) -> StreamingResponse:
    """A blob as an answer. Raises BlobNotFound, BlobDamaged and more, before anything is sent."""
    size = await services.blobs.size(project, digest)
    if size is None:
        raise BlobNotFound(f"Blob {digest!r} not found")
    parts = services.blobs.get(project, digest)
    # The first part is read before the answer begins: until then an error can be told as such.
    first = await anext(parts, b"")
    return StreamingResponse(
        _chained(first, parts),
        media_type="application/octet-stream",
        headers={"content-length": str(size)},
    )


async def _stored(
    services: Services, owner: str, digest: str, content: AsyncIterator[bytes]
) -> Stored:
    size = await services.blobs.put(owner, digest, content)
    failpoint("blob.stored")
    await services.storage.record(owner, digest, size)
    return Stored(digest=digest, size=size)


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


async def _bounded(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> BlobTooLarge:
    return BlobTooLarge(
        f"The blob is larger than {limit} bytes",
        hint="Raise max_blob_mib of [server] in pileus.toml.",
    )
