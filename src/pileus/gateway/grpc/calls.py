"""One call and what it may end with, free of the gRPC library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pileus.core.errors import PileusError
from pileus.gateway.errors import NothingKnown

if TYPE_CHECKING:
    from pileus.gateway.auth import GatewayCaller


class CallFailed(Exception):
    """The call ends with this error; it has been counted already."""

    def __init__(self, error: PileusError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(slots=True)
class RpcCall:
    """What came in, beside its message."""

    request_id: str
    size: int
    """Bytes of the message."""

    owner: GatewayCaller | None = None
    """Who asks; None for an anonymous method."""

    trailers: list[tuple[str, str]] = field(default_factory=list)
    """Metadata that goes back with an error; an answer has what it says in its message, which is cheaper."""

    @property
    def caller(self) -> GatewayCaller:
        """Who asks, where the method is not anonymous."""
        if self.owner is None:
            raise NothingKnown("The gateway lost the caller of this request")
        return self.owner
