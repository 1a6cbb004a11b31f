"""The keys of projects, unwrapped in memory: what `storage.blobs` encrypts and names with."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from datetime import timedelta

from pileus.core.ids import NewId
from pileus.core.schemas.keys import ProjectKey, Purpose
from pileus.security.errors import EncryptionOff, MasterKeyUnavailable
from pileus.security.master_key import MasterKeySource, unlock
from pileus.security.store import project_keys
from pileus.security.wrapping import KEY_BYTES, MasterKey
from pileus.storage.blobs.keyring import ProjectKeys
from pileus.storage.database import Database
from pileus.storage.errors import ProjectShredded
from pileus.storage.transaction import Snapshot, Transaction, Where

UNSHREDDED: Where = (("wrapped", "!=", None),)


class ProjectKeyring:
    """Rows are read at each use, so that what one server rotates or shreds holds for all at once."""

    def __init__(self, database: Database, new_id: NewId, master: MasterKey | None) -> None:
        self._database = database
        self._new_id = new_id
        self._master = master
        self._following: MasterKey | None = None
        self._unwrapped: dict[tuple[str, int], bytes] = {}

    @property
    def master(self) -> MasterKey | None:
        """The master key; None where encryption is off and nothing was ever encrypted."""
        return self._master

    def expect(self, following: MasterKey) -> None:
        """Rows may be wrapped with this master key from now on."""
        self._following = following

    def adopt(self, master: MasterKey) -> None:
        """Every row is wrapped with this master key."""
        self._master, self._following = master, None

    def forget(self) -> None:
        """Keep no key in memory longer than its next use."""
        self._unwrapped.clear()

    async def find(self, project: str) -> ProjectKeys | None:
        rows = await self._database.glance(lambda snapshot: keys_of(snapshot, project))
        return self.opened(project, rows) if rows else None

    async def ensure(self, project: str) -> ProjectKeys:
        found = await self.find(project)
        if found is not None:
            return found
        fresh = [(purpose, secrets.token_bytes(KEY_BYTES)) for purpose in Purpose]

        def work(transaction: Transaction) -> list[ProjectKey]:
            rows = keys_of(transaction, project)
            if not rows:
                for purpose, key in fresh:
                    self.insert(transaction, project, purpose, key)
                rows = keys_of(transaction, project)
            return rows

        return self.opened(project, await self._database.write(work))

    def insert(
        self, transaction: Transaction, project: str, purpose: Purpose, key: bytes
    ) -> ProjectKey:
        """A new key of a project, wrapped. Raises EncryptionOff."""
        before = keys_of(transaction, project)
        last = before[-1].created_at if before else transaction.now
        row = ProjectKey(
            id=self._new_id("key"),
            project=project,
            # The newest is the current one, even if the clock went back since the last.
            created_at=max(transaction.now, last + timedelta(microseconds=1)),
            purpose=purpose,
            wrapped=None,
            master="",
        )
        master = self._required()
        others: Where = [*UNSHREDDED, ("master", "!=", master.id)]
        if project_keys.find(transaction, others, limit=1):
            raise MasterKeyUnavailable(
                f"Keys are wrapped with another master key than {master.id!r} since a moment ago",
                hint="Repeat it; if it stays so, restart this server with the new master key.",
            )
        return project_keys.insert(transaction, master.wrap(row, key))

    def unwrap(self, row: ProjectKey) -> bytes:
        """The key in a row. Raises MasterKeyWrong."""
        known = self._unwrapped.get((row.id, row.rev))
        if known is None:
            master = self._following
            if master is None or master.id != row.master:
                master = self._required()
            known = master.unwrap(row)
            self._unwrapped[row.id, row.rev] = known
        return known

    def opened(self, project: str, rows: Sequence[ProjectKey]) -> ProjectKeys:
        """All keys in the rows of a project. Raises ProjectShredded, MasterKeyWrong."""
        refuse_shredded(project, rows)
        naming = [row for row in rows if row.purpose is Purpose.NAMING]
        data = [row for row in rows if row.purpose is Purpose.DATA]
        return ProjectKeys(
            naming=self.unwrap(naming[0]),
            data={row.id: self.unwrap(row) for row in data},
            current=current_of(rows).id,
        )

    def _required(self) -> MasterKey:
        if self._master is None:
            raise EncryptionOff(
                "This installation has no master key: encrypt_blobs of [security] is off",
                hint="Remove it from pileus.toml and restart.",
            )
        return self._master


async def open_keyring(
    database: Database, new_id: NewId, source: MasterKeySource, *, makes: bool
) -> ProjectKeyring:
    """A keyring with the master key that the rows name.

    Raises MasterKeyLost, MasterKeyWrong, MasterKeyRefused, MasterKeyUnavailable.
    """
    rows = await database.read(lambda snapshot: project_keys.find(snapshot, UNSHREDDED))
    expected = {row.master for row in rows}
    master = await asyncio.to_thread(unlock, source, expected, makes=makes)
    return ProjectKeyring(database, new_id, master)


def keys_of(snapshot: Snapshot, project: str) -> list[ProjectKey]:
    """Every key of a project, oldest first."""
    return project_keys.find(snapshot, [("project", "=", project)], order=["created_at", "id"])


def current_of(rows: Sequence[ProjectKey]) -> ProjectKey:
    """The data key that encrypts what is written now."""
    return [row for row in rows if row.purpose is Purpose.DATA][-1]


def shredded_projects(snapshot: Snapshot) -> set[str]:
    """Projects whose keys were destroyed."""
    return {row.project for row in project_keys.find(snapshot, [("shredded_at", "!=", None)])}


def refuse_shredded(project: str, rows: Sequence[ProjectKey]) -> None:
    """Raises ProjectShredded."""
    shredded = next((row.shredded_at for row in rows if row.shredded_at is not None), None)
    if shredded is not None:
        raise ProjectShredded(
            f"The keys of project {project!r} were shredded at {shredded:%Y-%m-%d %H:%M} UTC",
            hint="Its data cannot be read any more; its bill and its audit trail remain.",
        )
