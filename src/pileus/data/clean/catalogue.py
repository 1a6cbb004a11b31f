"""What the engine knows of cleaning: which module runs where, and the digest of its code."""

from __future__ import annotations

from functools import cache

from pileus.core.code_digest import ROOT, digest_of
from pileus.core.schemas.transform import Transform
from pileus.jobs.transforms import PreparedTransform

ENTRY = "pileus.data.clean.main"
ENVIRONMENT = "plain"


class Cleaning:
    """The engine's `Transforms`."""

    def prepare(self, transform: Transform, *, dry_run: bool) -> PreparedTransform:
        document = transform.model_dump(mode="json", exclude_none=True)
        return PreparedTransform(
            params={"transform": document, "dry_run": dry_run},
            entry=ENTRY,
            environment=ENVIRONMENT,
            code_digest=_code_digest(),
        )


@cache
def _code_digest() -> str:
    """SHA-256 over the sources that decide what a transform makes."""
    schemas = [ROOT / "core" / "schemas" / f"{name}.py" for name in ("expectations", "transform")]
    return digest_of(ROOT, sorted([*(ROOT / "data").rglob("*.py"), *schemas]))
