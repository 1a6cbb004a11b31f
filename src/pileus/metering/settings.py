"""How metering behaves."""

from pydantic import BaseModel, Field


class MeteringSettings(BaseModel, frozen=True, extra="forbid"):
    """How use becomes ledger entries."""

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """ISO 4217 code of the installation's one currency."""

    slice_seconds: float = Field(default=30.0, gt=0)
    """Running leases are put on the ledger at least this often."""

    storage_slice_seconds: float = Field(default=600.0, gt=0)
    """Stored bytes are put on the ledger at least this often."""
