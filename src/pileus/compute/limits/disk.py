"""How much of a disk an attempt's directory takes."""

from __future__ import annotations

import os
import time

FOREIGN = frozenset({"inputs"})
"""What an attempt's directory holds and the attempt did not write."""

_BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the file system."""


def used_bytes(
    directory: str | os.PathLike[str],
    *,
    without: frozenset[str],
    within_seconds: float = float("inf"),
) -> int:
    """Bytes on disk below a directory, less those of its entries named in `without`.

    A file that has several names here is counted once; a link is not followed. Raises TimeoutError
    when counting takes longer.
    """
    give_up_at = time.monotonic() + within_seconds
    seen: set[tuple[int, int]] = set()
    total = 0
    waiting = [os.fspath(directory)]
    skipped = without
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:  # removed meanwhile, or closed to us
            continue
        for entry in entries:
            if entry.name in skipped:
                continue
            if time.monotonic() > give_up_at:
                raise TimeoutError
            try:
                status = entry.stat(follow_symlinks=False)
                is_directory = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            if is_directory:
                waiting.append(entry.path)
            elif status.st_nlink > 1:
                key = (status.st_dev, status.st_ino)
                if key in seen:
                    continue
                seen.add(key)
            total += status.st_blocks * _BLOCK_BYTES
        skipped = frozenset()
    return total
