"""How the job engine behaves."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator


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

    order: Literal["expected", "submission"] = "expected"
    """Of waiting jobs of equal priority: first those that are expected to end soonest, or that came first."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        # Leases are renewed in good time before they run out, and a fence counts from renewals.
        if self.fence_seconds < self.lease_seconds:
            raise ValueError("fence_seconds must be at least lease_seconds")
        return self
