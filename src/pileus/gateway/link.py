"""What the gateway needs of the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from pileus.core.schemas.metering import MeterReport
from pileus.core.schemas.serving import Routes
from pileus.gateway.segments import SealedSegment


class ServerLink(Protocol):
    """Every method raises ServerAway, or the server's own error."""

    async def routes(self, after: int, wait_seconds: float) -> Routes | None:
        """The routes, or None when nothing is newer than `after` for `wait_seconds`."""
        ...

    def blob(self, project: str, digest: str) -> AsyncIterator[bytes]:
        """The bytes of a blob."""
        ...

    async def push_meters(self, report: MeterReport) -> int:
        """The sequence that the server has taken."""
        ...

    async def put_segment(self, segment: SealedSegment, content: bytes) -> None:
        """Hand over the records of a segment."""
        ...
