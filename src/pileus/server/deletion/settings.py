"""How long deleted things can be brought back, and what grows no further."""

from pydantic import BaseModel, Field


class DeletionSettings(BaseModel, frozen=True, extra="forbid"):
    """Deletion, collection and what is kept for a time only."""

    grace_hours: float = Field(default=7 * 24.0, ge=0)
    """What is deleted can be brought back for this long."""

    upload_grace_hours: float = Field(default=24.0, ge=1)
    """An uploaded blob that nothing names yet is kept this long since it was last announced."""

    collect_seconds: float = Field(default=3600.0, gt=0)
    """What is due is collected this often."""

    records_days: float | None = Field(default=None, gt=0)
    """Records of predictions are kept this long; for ever when absent. Meters are always kept."""

    idempotency_days: float = Field(default=7.0, ge=1)
    """A repeated create is recognised for this long."""

    feed_entries: int = Field(default=100_000, ge=1000)
    """Entries of the change feed that are kept; a reader further behind loads everything anew."""
