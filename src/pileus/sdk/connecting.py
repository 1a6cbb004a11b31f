"""How httpx connects to a server of ours: what of certificates and of proxies it loads."""

from __future__ import annotations

from typing import TypedDict
from urllib.parse import urlsplit

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Connection(TypedDict):
    """Arguments of an `httpx.Client`."""

    verify: bool
    trust_env: bool


def connection_to(url: str) -> Connection:
    """Certificates where there is TLS, for they take 60 ms and 2 MB; proxies beyond loopback."""
    parts = urlsplit(url)
    return Connection(verify=parts.scheme == "https", trust_env=parts.hostname not in _LOOPBACK)
