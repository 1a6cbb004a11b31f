"""Gangs: attempts of one job that start together, and how they find one another."""

from __future__ import annotations

from pileus.core.schemas.base import Answer

MOST_MEMBERS = 256
"""Of one gang."""

VARIABLES = frozenset(
    {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
)
"""What tells a member its place, as torch reads it
(https://docs.pytorch.org/docs/stable/distributed.html#environment-variable-initialization)."""


class Seat(Answer):
    """The place of an attempt in its gang, and where that meets."""

    rank: int
    size: int
    address: str
    """Of the node of rank 0."""

    port: int

    @property
    def variables(self) -> dict[str, str]:
        """`VARIABLES`. Each member sees its own devices only, so it is the first and only one there."""
        return {
            "RANK": f"{self.rank}",
            "WORLD_SIZE": f"{self.size}",
            "LOCAL_RANK": "0",
            "LOCAL_WORLD_SIZE": "1",
            "MASTER_ADDR": self.address,
            "MASTER_PORT": f"{self.port}",
        }
