"""Tokens: 256 random bits behind a prefix that tells whose they are; kept only as keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from pileus.core.failpoints import failpoint

USER = "plt"
WORKER = "plw"
GATEWAY = "plg"
ATTEMPT = "pla"
METRICS = "plm"

KEY_BYTES = 32


def new_token(prefix: str) -> str:
    """A fresh token. Show it once; keep `token_hash` of it."""
    return f"{prefix}_{secrets.token_urlsafe(KEY_BYTES)}"


def token_hash(key: bytes, token: str) -> str:
    """Hex HMAC-SHA256 (RFC 2104) of a token: what is stored and compared.

    A token is random, so a fast keyed hash is enough; a slow one is for passwords.
    """
    return hmac.new(key, token.encode(), hashlib.sha256).hexdigest()


def attempt_token(key: bytes, attempt: str, lease_token: str) -> str:
    """The token of an attempt: derived, so that it can be sent again and needs no row.

    It is valid as long as the attempt's lease has this lease token and is not released.
    """
    proof = hmac.new(key, f"{attempt}:{lease_token}".encode(), hashlib.sha256).hexdigest()
    return f"{ATTEMPT}_{attempt}.{proof}"


def load_or_create_secret(path: Path, fresh: str) -> str:
    """The secret in `path`; when there is none, `fresh` is written there first, mode 0600.

    Written under another name and linked into place: of two processes that start together,
    one wins and both read the winner's secret, and a kill leaves no half-written secret.
    """
    if not path.exists():
        temporary = _write_beside(path, fresh)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text().strip()


def replace_secret(path: Path, secret: str) -> None:
    """Put `secret` into `path`, mode 0600; a reader sees the old one or the new one, whole."""
    _write_beside(path, secret).replace(path)


def load_token_key(path: Path) -> bytes:
    """The installation's key for token hashes, made on first use. Raises ValueError."""
    key = bytes.fromhex(load_or_create_secret(path, secrets.token_hex(KEY_BYTES)))
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path}: expected {KEY_BYTES} bytes in hex, found {len(key)}")
    return key


def _write_beside(path: Path, secret: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    failpoint("secret_file.written")
    return temporary
