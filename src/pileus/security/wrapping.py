"""The master key, and project keys wrapped with it: AES-256-GCM, bound to project, id and purpose."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pileus.core.schemas.keys import ProjectKey
from pileus.security.errors import MasterKeyRefused, MasterKeyWrong

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORM = "1:"
"""Format of a wrapped key: base64 of nonce, cipher text and tag."""

_HEX = re.compile(r"[0-9a-fA-F]{64}\Z")


@dataclass(frozen=True)
class MasterKey:
    """The key of keys. Its id tells which one it is and nothing about it."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """`mky_` and 20 hexadecimal digits, derived from the key."""
        digest = hmac.new(self.secret, b"pileus master key id", hashlib.sha256).hexdigest()
        return f"mky_{digest[:20]}"

    @staticmethod
    def fresh() -> MasterKey:
        """A new one."""
        return MasterKey(secrets.token_bytes(KEY_BYTES))

    @staticmethod
    def parse(text: str, where: str) -> MasterKey:
        """From 64 hexadecimal digits or base64 of 32 bytes. Raises MasterKeyRefused.

        The text is in no message: it may be a key with a slip in it.
        """
        text = text.strip()
        try:
            secret = (
                bytes.fromhex(text) if _HEX.match(text) else base64.b64decode(text, validate=True)
            )
        except ValueError:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise MasterKeyRefused(
                f"{where} gives {len(text)} characters that are no master key",
                hint="A master key is 32 bytes as 64 hexadecimal digits, or as base64.",
            )
        return MasterKey(secret)

    def wrap(self, row: ProjectKey, key: bytes) -> ProjectKey:
        """`row` with `key` in it, encrypted."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(self.secret).encrypt(nonce, key, _bound(row))
        wrapped = _FORM + base64.b64encode(sealed).decode()
        return row.model_copy(update={"wrapped": wrapped, "master": self.id})

    def unwrap(self, row: ProjectKey) -> bytes:
        """The key in `row`. Raises MasterKeyWrong."""
        if row.master != self.id:
            raise MasterKeyWrong(
                f"Key {row.id!r} is wrapped with master key {row.master!r}; this server has"
                f" {self.id!r}",
                hint="The master key was rotated by another server: restart this one with it.",
            )
        try:
            sealed = base64.b64decode((row.wrapped or "").removeprefix(_FORM))
            nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            return AESGCM(self.secret).decrypt(nonce, text, _bound(row))
        except (InvalidTag, ValueError) as error:
            raise MasterKeyWrong(
                f"The row of key {row.id!r} was altered: master key {self.id!r} does not open it",
                hint="Restore the database from a backup.",
            ) from error


def _bound(row: ProjectKey) -> bytes:
    return f"{row.project}/{row.id}/{row.purpose.value}".encode()
