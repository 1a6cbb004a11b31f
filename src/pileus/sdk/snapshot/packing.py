"""Makes manifest and pack of the files of a folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from pileus.core.schemas.code import MAX_BYTES, CodeFile, CodeManifest
from pileus.sdk.errors import SnapshotRefused
from pileus.sdk.snapshot.listing import Found, Listing


@dataclass(frozen=True)
class Packed:
    """A snapshot, ready to be uploaded."""

    manifest: CodeManifest
    pack: Path


def pack_files(listing: Listing, target: Path) -> Packed:
    """The files one after the other in `target`, and the manifest of it. Raises SnapshotRefused.

    Each is read once, so that a file that somebody changes meanwhile is in both as it was read.
    """
    hasher = hashlib.sha256()
    files, size = [], 0
    with target.open("wb") as pack:
        for found in listing.files:
            packed = _pack_one(found, pack, hasher)
            size += packed.size
            if size > MAX_BYTES:
                raise SnapshotRefused(
                    f"{found.path!r} grew while it was read", hint="Stop what writes to it."
                )
            files.append(packed)
    try:
        manifest = CodeManifest(pack=hasher.hexdigest(), files=tuple(files))
    except ValidationError as error:
        raise SnapshotRefused(f"The files cannot be taken: {error.errors()[0]['msg']}") from error
    return Packed(manifest, target)


def _pack_one(found: Found, pack: BinaryIO, of_all: hashlib._Hash) -> CodeFile:
    try:
        content = found.source.read_bytes()
    except OSError as error:
        raise SnapshotRefused(f"{found.path!r} cannot be read: {error.strerror}") from error
    pack.write(content)
    of_all.update(content)
    return CodeFile(
        path=found.path,
        size=len(content),
        digest=hashlib.sha256(content).hexdigest(),
        is_executable=found.is_executable,
    )
