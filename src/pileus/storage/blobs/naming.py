"""Which names a blob can have, and the errors of all stores in the same words."""

from __future__ import annotations

import re

from pileus.storage.errors import BlobDamaged, BlobMismatch, BlobNotFound

# \Z, not $: a digest with a newline behind it is another file name.
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_PROJECT = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")


def check_digest(digest: str) -> None:
    """Raises BlobMismatch for what is not 64 hexadecimal digits in lower case."""
    if not _DIGEST.match(digest):
        raise BlobMismatch(f"{digest!r} is not a SHA-256 digest", hint="Use 64 hexadecimal digits.")


def check_project(project: str, reserved: str | None = None) -> None:
    """Raises BlobNotFound for a project that has no blobs because it cannot exist."""
    if not _PROJECT.match(project) or project == reserved:
        raise BlobNotFound(f"Project {project!r} has no blobs", hint="Use a project's id.")


def mismatch(announced: str, found: str) -> BlobMismatch:
    return BlobMismatch(
        f"The bytes have SHA-256 {found!r}, not {announced!r}",
        hint="The file changed while it was read, or on its way; send it again.",
    )


def not_found(digest: str) -> BlobNotFound:
    return BlobNotFound(f"Blob {digest!r} not found", hint="Upload it, or check the digest.")


def damaged(name: str, what: str) -> BlobDamaged:
    return BlobDamaged(
        f"Stored blob {name!r} is damaged: {what}",
        hint="Restore that file from a backup, and check the disk.",
    )
