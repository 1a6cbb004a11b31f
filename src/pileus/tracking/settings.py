"""What is kept of what attempts write."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


class TrackingSettings(BaseModel):
    """Settings of tracking."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log_mib: int = Field(default=256, ge=1)
    """Kept of stdout and of stderr of an attempt once it has ended: the first half and the last; a
    line in between says how many were left out. A job has `max_attempts` attempts at most."""

    @property
    def log_bytes(self) -> int:
        """`log_mib` in bytes."""
        return self.log_mib * MIB
