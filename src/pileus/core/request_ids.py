"""The id of a request: one for all calls of a command, from the client to the last process."""

from __future__ import annotations

import re

HEADER = "X-Request-Id"
"""The name that proxies and load balancers know."""

OWN_HEADER = "Pileus-Request-Id"
"""Taken as well, and answered beside the other: clients that name it so keep working."""

PREFIX = "req"

_WELL_FORMED = re.compile(r"[A-Za-z0-9_.-]{1,80}")


def well_formed(given: str | None) -> str | None:
    """The id that a caller gave, if logs and headers can carry it as it is."""
    return given if given and _WELL_FORMED.fullmatch(given) else None
