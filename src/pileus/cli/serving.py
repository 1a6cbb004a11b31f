"""Waits until the gateway serves what the server decided, so that the next command finds it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pileus.core.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from pileus.sdk import Client

WAIT_SECONDS = 15.0
"""Routes arrive within a second; a large bundle takes as long as it takes to copy."""

_EVERY_SECONDS = 0.05


def wait_until_served(
    client: Client, endpoint: str, revision: str, seconds: float = WAIT_SECONDS
) -> bool:
    """Whether the gateway serves `revision` in time; False too when no gateway is known."""
    if client.gateway_url is None:
        return False
    deadline = time.monotonic() + seconds
    while not _serves(client, endpoint, revision):
        if time.monotonic() > deadline:
            return False
        time.sleep(_EVERY_SECONDS)
    return True


def _serves(client: Client, endpoint: str, revision: str) -> bool:
    try:
        served = client.predictions.signature(endpoint)
    except (NotFound, Unavailable):
        return False
    return bool(served.get("parameters", {}).get("revision") == revision)
