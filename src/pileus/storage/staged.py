"""What clients on this machine left for the server; how they do, `core/staging.py` tells."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from pileus.core.opening import open_regular
from pileus.core.staging import remove_abandoned
from pileus.storage.blobs.naming import check_digest
from pileus.storage.blobs.receiving import BATCH_BYTES
from pileus.storage.errors import StagedFileNotFound

CLEAR_SECONDS = 600.0
"""What a killed client left stays no longer, and it is not encrypted."""

log = logging.getLogger(__name__)


class Staging:
    """Files in the directories below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, directory: str, digest: str) -> BinaryIO:
        """A file that a client left in its directory. Raises StagedFileNotFound, BlobMismatch."""
        check_digest(digest)
        try:
            folder = os.open(self._root / directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                return open_regular(digest, folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StagedFileNotFound(
                f"No file {digest!r} lies in {directory!r} of the server's home",
                hint="Upload the blob instead.",
            ) from error

    async def clear(self) -> None:
        """Remove what killed clients left."""
        gone = await asyncio.to_thread(remove_abandoned, self._root)
        if gone:
            log.info("Removed what %d killed clients had left for the server", gone)


async def read_in_parts(file: BinaryIO) -> AsyncIterator[bytes]:
    """The bytes of a file, read off the event loop."""
    while part := await asyncio.to_thread(file.read, BATCH_BYTES):
        yield part
