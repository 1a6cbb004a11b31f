"""Files of public traces, which whoever measures fetches: the ones that were measured before, or none."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import sys
from pathlib import Path


def rows(folder: Path, name: str, sha256: str, origin: str) -> list[dict[str, str]]:
    """The rows of `name`.csv in `folder`, plain or packed with gzip; another file, or none, ends us.

    `sha256` is of the plain file; `origin` says where to fetch it.
    """
    return list(csv.DictReader(io.StringIO(content(folder, f"{name}.csv", sha256, origin))))


def content(folder: Path, name: str, sha256: str, origin: str) -> str:
    """The same of any file of text."""
    plain, packed = folder / name, folder / f"{name}.gz"
    if plain.exists():
        found = plain.read_bytes()
    elif packed.exists():
        found = gzip.decompress(packed.read_bytes())
    else:
        sys.exit(f"{str(plain)!r} is missing. Fetch {origin} and say in which folder it is")
    digest = hashlib.sha256(found).hexdigest()
    if digest != sha256:
        sys.exit(f"{name!r} is not the file that was measured before: its SHA-256 is {digest}")
    return found.decode("utf-8")
