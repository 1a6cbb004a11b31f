"""How the job engine behaves."""

from pydantic import BaseModel, Field


class JobsSettings(BaseModel, frozen=True, extra="forbid"):
    """Leases, retries and the loops that rescue what events missed."""

    lease_seconds: float = Field(default=30.0, ge=1)
    """An attempt whose lease is not renewed for this long becomes suspect."""

    fence_seconds: float = Field(default=600.0, ge=1)
    """After this long without renewal a runner has killed its own group; a retry may start."""

    retry_seconds: float = Field(default=2.0, ge=0)
    """Wait before the first retry; doubles with each."""

    retry_seconds_max: float = Field(default=300.0, ge=0)
    """Wait before a retry at most."""

    rescue_seconds: float = Field(default=5.0, gt=0)
    """The engine looks again this often even when nothing woke it."""
