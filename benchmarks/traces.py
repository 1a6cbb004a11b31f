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
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
    if plain.exists():
        content = plain.read_bytes()
    elif packed.exists():
        content = gzip.decompress(packed.read_bytes())
    else:
        sys.exit(f"{str(plain)!r} is missing. Fetch {origin} and give its folder with --trace")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"{name!r} is not the file that was measured before: its SHA-256 is {found}")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
