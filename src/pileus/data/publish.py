"""
Hands a prepared version to the server: what is missing, then the version, in that order.

Packs may go while the next are made. If anything fails before the last call, the server has blobs
that nothing names, and no version.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from pileus.core.failpoints import failpoint
from pileus.core.names import check_name
from pileus.data.ingest import Prepared
from pileus.data.packing import LocalBlob
from pileus.data.progress import Progress, Report, silent

_ANNOUNCE_SECONDS = 3600.0
"""What was sent is announced again after this time: a server keeps what nothing names for a day."""


_MOST_WAITING = 4
"""Packs that are made and not sent: where the network is slow, they would fill the disk."""


class Uploader(Protocol):
    """What publishing needs of a server; the SDK has it."""

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Those of `digests` that the project does not have."""
        ...

    def put_blob(self, digest: str, path: Path) -> None:
        """Store the file's bytes, which have this SHA-256."""
        ...

    def create_version(
        self, name: str, manifest_digest: str, profile_digest: str | None
    ) -> dict[str, Any]:
        """Make a version of the dataset `name` with its profile, at once.

        The same content is the same version.
        """
        ...


class Publishing:
    """Sends packs from threads of its own while others are made; leaving the context ends it.

    Everything here raises what the uploader raises.
    """

    def __init__(self, uploader: Uploader, name: str, progress: Report | None = None) -> None:
        self._uploader = uploader
        self._name = check_name(name, "dataset")
        self._report = progress or silent
        # Two: the server syncs one pack to its disk while it receives the next.
        self._senders = ThreadPoolExecutor(2, "upload")
        self._taking = threading.Lock()
        self._waiting: list[LocalBlob] = []
        self._running: deque[Future[None]] = deque()
        self._offered: set[str] = set()
        self._sent: list[str] = []
        self._announced_at = time.monotonic()

    def offer(self, blob: LocalBlob) -> None:
        """Take a finished file, which is removed as soon as the server has it."""
        while self._running and (self._running[0].done() or len(self._running) >= _MOST_WAITING):
            self._running.popleft().result()  # reading on would be in vain if it has failed
        self._offered.add(blob.digest)
        with self._taking:
            self._waiting.append(blob)
        self._running.append(self._senders.submit(self._send_waiting))

    def finish(self, prepared: Prepared) -> dict[str, Any]:
        """The dataset version that the server made, or had."""
        # What went early is announced once more, so that it is not collected before it is named.
        missing = set(self._uploader.missing([blob.digest for blob in prepared.blobs]))
        missing -= self._offered
        rest = [blob for blob in prepared.blobs if blob.digest in missing]
        early = sum(blob.size for blob in prepared.blobs if blob.digest in self._offered)
        total, done = early + sum(blob.size for blob in rest), 0
        self._report(Progress("upload", done, total, "bytes"))
        while self._running:
            self._running.popleft().result()
        done = early
        for blob in rest:
            self._uploader.put_blob(blob.digest, blob.path)
            done += blob.size
            self._report(Progress("upload", done, total, "bytes"))
        failpoint("dataset.uploaded")
        profile = None if prepared.profile is None else prepared.profile.digest
        return self._uploader.create_version(self._name, prepared.manifest_digest, profile)

    def _send_waiting(self) -> None:
        with self._taking:
            blobs = list(self._waiting)
            self._waiting.clear()
            digests = [blob.digest for blob in blobs]
            now = time.monotonic()
            if now - self._announced_at >= _ANNOUNCE_SECONDS:
                self._announced_at = now
                digests += self._sent
        missing = set(self._uploader.missing(digests))
        for blob in blobs:
            if blob.digest in missing:
                self._uploader.put_blob(blob.digest, blob.path)
            failpoint("pack.sent")
            self._sent.append(blob.digest)
            blob.path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._senders.shutdown(cancel_futures=True)


def publish(
    uploader: Uploader, name: str, prepared: Prepared, progress: Report | None = None
) -> dict[str, Any]:
    """All of a version at once. Raises what the uploader raises."""
    with Publishing(uploader, name, progress) as publishing:
        return publishing.finish(prepared)
