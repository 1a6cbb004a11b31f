"""Bytes named by their SHA-256."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pileus.sdk.api import Api

_CHUNK = 1000
"""Digests asked for in one call."""

_TIMEOUT_SECONDS = 600.0
_PIECE_BYTES = 1024 * 1024


class Blobs:
    """Blobs of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Those of `digests` that the project does not have yet."""
        path = self._api.path("blobs", "missing")
        found: list[str] = []
        for start in range(0, len(digests), _CHUNK):
            answer = self._api.post(path, {"digests": list(digests[start : start + _CHUNK])})
            found.extend(answer["missing"])
        return found

    def put(self, digest: str, content: bytes | Path) -> None:
        """Store bytes, or a file's, under the SHA-256 that they have."""
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        self._api.call(
            "PUT",
            self._api.path("blobs", digest),
            content=lambda: _pieces(content) if isinstance(content, Path) else content,
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
            timeout_seconds=_TIMEOUT_SECONDS,
        )

    def get(self, digest: str) -> bytes:
        """The bytes of a blob."""
        path = self._api.path("blobs", digest)
        return self._api.call("GET", path, timeout_seconds=_TIMEOUT_SECONDS).content


def _pieces(path: Path) -> Iterator[bytes]:
    """A file a piece at a time: a pack as a whole would be most of what an ingest needs."""
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece
