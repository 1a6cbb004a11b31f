"""What the encrypted store needs of keys; `security` provides it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pileus.storage.errors import KeyUnknown


@dataclass(frozen=True)
class ProjectKeys:
    """The keys of one project, unwrapped."""

    naming: bytes = field(repr=False)
    data: Mapping[str, bytes] = field(repr=False)
    """Key id → key."""

    current: str
    """Id of the one that encrypts what is written now."""

    def name_of(self, digest: str) -> str:
        """The name under which a blob rests: it tells nobody without the key which blob it is."""
        return hmac.new(self.naming, digest.encode(), hashlib.sha256).hexdigest()

    def key(self, key_id: str) -> bytes:
        """Raises KeyUnknown."""
        found = self.data.get(key_id)
        if found is None:
            raise KeyUnknown(
                f"Key {key_id!r}, with which a blob is encrypted, is not among the project's",
                hint="Restore database and blobs from the same backup.",
            )
        return found


class Keyring(Protocol):
    """Finds the keys of a project."""

    async def find(self, project: str) -> ProjectKeys | None:
        """The keys; None when the project has none yet. Raises ProjectShredded."""
        ...

    async def ensure(self, project: str) -> ProjectKeys:
        """The keys, made when there are none. Raises ProjectShredded."""
        ...
