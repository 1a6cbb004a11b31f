"""
Whether the keys at hand open what rests: for a person who looks from outside.

Reads rows and keys, up or down, and changes neither; what a server would settle at its start is
only told here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pileus.core.schemas.keys import BlobRewrite, ProjectKey
from pileus.security.errors import MasterKeyWrong
from pileus.security.keyring import UNSHREDDED
from pileus.security.store import blob_rewrites, project_keys
from pileus.security.wrapping import MasterKey
from pileus.storage.outside import snapshot_of


@dataclass(frozen=True)
class Wrapped:
    """Every project key that is not shredded, and the rewriting of blobs."""

    keys: Sequence[ProjectKey]
    rewrites: Sequence[BlobRewrite]

    @property
    def masters(self) -> frozenset[str]:
        """Ids of the master keys that rows name."""
        return frozenset(row.master for row in self.keys)


def read_wrapped(url: str) -> Wrapped:
    """What the database at `url` holds; nothing before it has the tables.

    Raises DatabaseUnavailable.
    """
    with snapshot_of(url, (project_keys.table, blob_rewrites.table)) as snapshot:
        if snapshot is None:
            return Wrapped((), ())
        return Wrapped(
            project_keys.find(snapshot, UNSHREDDED, order=["created_at", "id"]),
            blob_rewrites.find(snapshot, order=["requested_at", "id"]),
        )


def unopened(rows: Iterable[ProjectKey], masters: Iterable[MasterKey]) -> list[ProjectKey]:
    """The rows that none of `masters` opens."""
    known = {master.id: master for master in masters}
    return [row for row in rows if not _opens(known.get(row.master), row)]


def _opens(master: MasterKey | None, row: ProjectKey) -> bool:
    if master is None:
        return False
    try:
        master.unwrap(row)
    except MasterKeyWrong:
        return False
    return True
