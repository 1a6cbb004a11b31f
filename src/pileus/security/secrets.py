"""The verbs on secrets: set, list, remove, and give the values to an attempt.

A value rests sealed as a blob is, with the key of its project that was current when it was set, and
bound to its row and version: rotation and shredding hold for it as they do for blobs.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from pileus.core.ids import NewId
from pileus.core.schemas.secrets import (
    MAX_BYTES,
    MIN_BYTES,
    Secret,
    SecretShown,
    SecretValue,
    check_secret_name,
)
from pileus.core.schemas.tenancy import Caller
from pileus.security.audit import AuditLog
from pileus.security.errors import EncryptionOff, SecretNotFound, SecretRefused
from pileus.security.keyring import ProjectKeyring, keys_of
from pileus.security.store import secrets
from pileus.security.tombstones import mark_gone
from pileus.storage.blobs.keyring import ProjectKeys
from pileus.storage.blobs.sealing import Opener, Place, Sealer
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction, Where


class SecretService:
    """Secrets of projects. No verb gives a value to a person."""

    def __init__(
        self,
        database: Database,
        new_id: NewId,
        keyring: ProjectKeyring,
        audit: AuditLog,
        *,
        encrypts: bool,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._keyring = keyring
        self._audit = audit
        self._encrypts = encrypts

    async def set(self, caller: Caller, name: str, value: bytes) -> SecretShown:
        """Keep a value: attempts that start from now on are given it.

        Raises InvalidSecretName, SecretRefused, EncryptionOff, ProjectShredded.
        """
        check_secret_name(name)
        _check_value(name, value)
        if not self._encrypts:
            raise EncryptionOff(
                "A secret is kept encrypted only, and encrypt_blobs of [security] is off",
                hint="Remove it from pileus.toml and restart; then set the secret.",
            )
        await self._keyring.ensure(caller.project)

        def work(transaction: Transaction) -> Secret:
            keys = self._keyring.opened(caller.project, keys_of(transaction, caller.project))
            old = secrets.get(transaction, project=caller.project, name=name)
            row = _next(old, transaction, caller, name, self._new_id("sec"))
            row = sealed(row, keys, value)
            kept = secrets.swap(transaction, row) if old else secrets.insert(transaction, row)
            self._audit.append(
                transaction, caller, "set", "secret", row.id, name=name, version=row.version
            )
            return kept

        return shown(await self._database.write(work))

    async def secrets(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[SecretShown]:
        """Secrets of a project, oldest first, without their values."""
        return await self._database.read(
            lambda snapshot: [
                shown(row)
                for row in secrets.find(
                    snapshot, [("project", "=", project), *where], order=["id"], limit=limit
                )
            ]
        )

    async def remove(self, caller: Caller, name: str) -> None:
        """It is gone at once, and attempts that would start with it fail; a tombstone stays.

        Raises SecretNotFound.
        """

        def work(transaction: Transaction) -> None:
            row = secret_of(transaction, caller.project, name)
            transaction.delete(secrets.table, [("id", "=", row.id)])
            mark_gone(transaction, caller, self._new_id("tmb"), "secret", row.id, name)
            self._audit.append(transaction, caller, "remove", "secret", row.id, name=name)

        await self._database.write(work)

    async def give(self, attempt: Caller, names: Sequence[str]) -> tuple[SecretValue, ...]:
        """The values for an attempt; the audit trail says which attempt was given which.

        Raises SecretNotFound, ProjectShredded.
        """

        def work(transaction: Transaction) -> tuple[SecretValue, ...]:
            rows = [secret_of(transaction, attempt.project, name) for name in names]
            keys = self._keyring.opened(attempt.project, keys_of(transaction, attempt.project))
            for row in rows:
                self._audit.append(
                    transaction,
                    attempt,
                    "read",
                    "secret",
                    row.id,
                    name=row.name,
                    version=row.version,
                )
            return tuple(
                SecretValue(name=row.name, base64=base64.b64encode(opened(row, keys)).decode())
                for row in rows
            )

        return await self._database.write(work)


def secret_of(snapshot: Snapshot, project: str, name: str) -> Secret:
    """The secret of this name in a project. Raises SecretNotFound."""
    found = secrets.get(snapshot, project=project, name=name)
    if found is None:
        raise SecretNotFound(name)
    return found


def editions(snapshot: Snapshot, project: str, names: Sequence[str]) -> list[str | None]:
    """What differs between any two values that secrets of these names ever had."""
    found = [secrets.get(snapshot, project=project, name=name) for name in names]
    return [None if row is None else f"{row.id}/{row.version}" for row in found]


def reseal(transaction: Transaction, project: str, keys: ProjectKeys) -> None:
    """Take the secrets of a project over to its current key.

    What was set with a key that is not among these is of a later rotation, and stays.
    """
    for row in secrets.find(transaction, [("project", "=", project)]):
        if row.key != keys.current and row.key in keys.data:
            secrets.swap(transaction, sealed(row, keys, opened(row, keys)))


def sealed(row: Secret, keys: ProjectKeys, value: bytes) -> Secret:
    """The row with `value` in it, encrypted with the current key."""
    sealer = Sealer(keys.current, keys.key(keys.current), _place(row))
    content = bytes(sealer.update(memoryview(value))) + bytes(sealer.finish())
    text = base64.b64encode(content).decode()
    return row.model_copy(update={"key": keys.current, "sealed": text})


def opened(row: Secret, keys: ProjectKeys) -> bytes:
    """The value in a row. Raises KeyUnknown, BlobDamaged."""
    content = io.BytesIO(base64.b64decode(row.sealed))
    return b"".join(Opener(content, keys.key, _place(row)).read(0, 1))


def shown(row: Secret) -> SecretShown:
    """What is told of a secret."""
    return SecretShown.model_validate(row.model_dump(include=set(SecretShown.model_fields)))


def _place(row: Secret) -> Place:
    return Place(row.project, f"secret/{row.id}/{row.version}")


def _next(old: Secret | None, now: Snapshot, caller: Caller, name: str, fresh_id: str) -> Secret:
    if old is not None:
        update = {
            "version": old.version + 1,
            "updated_at": now.now,
            "set_by": caller.principal,
        }
        return old.model_copy(update=update)
    return Secret(
        id=fresh_id,
        project=caller.project,
        created_at=now.now,
        name=name,
        version=1,
        updated_at=now.now,
        set_by=caller.principal,
        key="",
        sealed="",
    )


def _check_value(name: str, value: bytes) -> None:
    if len(value) > MAX_BYTES:
        raise SecretRefused(
            f"The value of {name!r} has {len(value)} bytes, more than {MAX_BYTES}",
            hint="A secret is a password, a token or a key; keep what is larger as a dataset.",
        )
    if len(value.strip()) < MIN_BYTES:
        raise SecretRefused(
            f"The value of {name!r} has {len(value.strip())} bytes, which cannot be masked in logs",
            hint=f"A secret has at least {MIN_BYTES} bytes, white space around it not counted.",
        )
