"""What clients on this machine left for the server; how they do, `core/staging.py` tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from pileus.core.opening import open_regular
from pileus.core.staging import remove_abandoned
from pileus.storage.errors import StagedFileNotFound

CLEAR_SECONDS = 600.0
"""What a killed client left stays no longer, and it is not encrypted."""

_PART_BYTES = 1024 * 1024

log = logging.getLogger(__name__)


class Staging:
    """Files in the directories below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, directory: str, digest: str) -> BinaryIO:
        """A file that a client left in its directory. Raises StagedFileNotFound."""
        try:
            return open_regular(self._root / directory / digest)
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
    while part := await asyncio.to_thread(file.read, _PART_BYTES):
        yield part
