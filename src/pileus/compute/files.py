"""JSON files that a kill leaves old or new, never in part. Standard library only."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pileus.compute.layout import PRIVATE_FILE
from pileus.core.failpoints import failpoint
from pileus.core.opening import open_regular


def replace_json(path: Path, document: dict[str, Any]) -> None:
    """`path` holds `document`, readable by us only.

    Not power-safe: no attempt outlives a boot, and the server counts on nothing that it left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW  # users' code may write there
    descriptor = os.open(temporary, flags, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(json.dumps(document).encode())
    failpoint("node_file.written")
    temporary.replace(path)


def read_json(path: Path, max_bytes: int = 16 * 1024 * 1024) -> dict[str, Any] | None:
    """The object in a file; None when it is absent or holds none.

    Some of these files are written by users' code, so their content is not to be trusted.
    """
    try:
        with open_regular(path) as file:
            content = file.read(max_bytes + 1)
        document = json.loads(content) if len(content) <= max_bytes else None
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
