"""Bytes named by their SHA-256."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pileus.core.errors import NotFound
from pileus.core.staging import staging_directory, staging_root
from pileus.sdk.api import Api

_CHUNK = 1000
"""Digests asked for in one call."""

_TIMEOUT_SECONDS = 600.0
_SLOWEST_BYTES_PER_SECOND = 1_000_000
"""Of a disk that a server is waited for."""

_PIECE_BYTES = 1024 * 1024


class Blobs:
    """Blobs of a project; `home` is that of a server on this machine."""

    def __init__(self, api: Api, home: Path | None = None) -> None:
        self._api = api
        self._staging = None if home is None else staging_root(home)

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Those of `digests` that the project does not have yet."""
        path = self._api.path("blobs", "missing")
        found: list[str] = []
        for start in range(0, len(digests), _CHUNK):
            answer = self._api.post(path, {"digests": list(digests[start : start + _CHUNK])})
            found.extend(answer["missing"])
        return found

    @contextmanager
    def staging(self) -> Iterator[Path | None]:
        """A directory from which `put` has the server take files; None if it cannot be reached so.

        A file there bears its digest as name, and is plain until the context is left.
        """
        with ExitStack() as stack:
            path = None
            if self._staging is not None:
                with suppress(OSError):
                    path = stack.enter_context(staging_directory(self._staging))
            yield path

    def put(self, digest: str, content: bytes | Path) -> None:
        """Store bytes, or a file's, under the SHA-256 that they have."""
        if isinstance(content, Path) and self._take_staged(digest, content):
            return
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        self._api.call(
            "PUT",
            self._api.path("blobs", digest),
            content=lambda: _pieces(content) if isinstance(content, Path) else content,
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
            timeout_seconds=_TIMEOUT_SECONDS,
        )

    def _take_staged(self, digest: str, path: Path) -> bool:
        """Whether the server took the file from where it lies."""
        if self._staging is None or path != self._staging / path.parent.name / digest:
            return False
        try:
            self._api.call(
                "POST",
                self._api.path("blobs", digest, "staged"),
                json={"directory": path.parent.name},
                # Nothing is heard until all of it is stored.
                timeout_seconds=_TIMEOUT_SECONDS + path.stat().st_size / _SLOWEST_BYTES_PER_SECOND,
            )
        except NotFound:  # the server is older than we are, or does not see our files
            return False
        return True

    def get(self, digest: str) -> bytes:
        """The bytes of a blob."""
        path = self._api.path("blobs", digest)
        return self._api.call("GET", path, timeout_seconds=_TIMEOUT_SECONDS).content


def _pieces(path: Path) -> Iterator[bytes]:
    """A file a piece at a time: a pack as a whole would be most of what an ingest needs."""
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece
