"""What the worker asks of the server. `http_link.py` does it; tests have a fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from pileus.core.schemas.base import Answer
from pileus.core.schemas.jobs import Artifact, NodeOrders, NodeReport, Registration
from pileus.core.schemas.secrets import SecretValue
from pileus.core.schemas.usage import UsageReport


class Registered(Answer):
    """The server's answer to a registration."""

    node: str
    lease_seconds: float
    fence_seconds: float
    """A runner whose lease is not renewed for this long ends its attempt."""


class ServerLink(Protocol):
    """Every method raises ServerAway, or the error that the server answered."""

    async def register(self, registration: Registration) -> Registered:
        """Present this node."""
        ...

    async def sync(self, node: str, report: NodeReport, wait_seconds: float) -> NodeOrders:
        """Report; the orders come when they are news, else after the wait."""
        ...

    async def tell_usage(self, node: str, report: UsageReport) -> None:
        """What the attempts of this node use."""
        ...

    async def projects(self) -> frozenset[str]:
        """Ids of the projects that there are."""
        ...

    async def append(
        self, attempt: str, stream: str, offset: int, pieces: AsyncIterator[bytes]
    ) -> int:
        """Append to a stream, each piece as it comes; where it ends now, whatever was sent."""
        ...

    async def secrets(self, project: str, job: str, token: str) -> Sequence[SecretValue]:
        """The values that a job names, for the attempt whose token it is."""
        ...

    async def missing(self, project: str, digests: Sequence[str]) -> list[str]:
        """Those blobs that the project does not have yet."""
        ...

    async def put_blob(self, project: str, artifact: Artifact, path: Path) -> None:
        """Upload a file under its digest."""
        ...

    def blob(self, project: str, digest: str) -> AsyncIterator[bytes]:
        """The bytes of a blob, in pieces."""
        ...
