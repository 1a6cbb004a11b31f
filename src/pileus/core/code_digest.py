"""One digest for the code that makes something: part of the lineage of what it makes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pileus

ROOT = Path(pileus.__file__).parent


def digest_of(root: Path, paths: list[Path]) -> str:
    """SHA-256 over the relative names and digests of `paths`; line endings do not count."""
    total = hashlib.sha256()
    for path in paths:
        text = path.read_bytes().replace(b"\r\n", b"\n")
        name = path.relative_to(root).as_posix()
        total.update(f"{name} {hashlib.sha256(text).hexdigest()}\n".encode())
    return total.hexdigest()
