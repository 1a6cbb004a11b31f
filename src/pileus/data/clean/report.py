"""What a transform did, step by step: `report.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pileus.core.schemas.transform import Step
from pileus.data.clean.artifacts import REPORT
from pileus.data.clean.tally import Tally


@dataclass
class Report:
    """Grows step by step; written at the end, however that comes."""

    source: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    version: str | None = None

    def add(self, step: Step, tally: Tally, fitted: dict[str, Any]) -> None:
        """A step that was carried out."""
        self.steps.append(
            {
                "step": step.model_dump(mode="json", exclude_none=True),
                "rows_in": tally.rows_in,
                "rows_out": tally.total,
                "train": tally.rows_out["train"],
                "untouched": tally.rows_out["untouched"],
                "changed": tally.changed,
                "fitted": fitted,
            }
        )

    def lineage(self, seed: int, before: dict[str, Any] | None) -> dict[str, Any]:
        """What the version itself says of how it came about; `before` is the same of its source."""
        steps = [
            entry["step"] | ({"fitted": entry["fitted"]} if entry["fitted"] else {})
            for entry in self.steps
        ]
        found: dict[str, Any] = {"source": self.source, "seed": seed, "steps": steps}
        return found if before is None else found | {"before": before}

    def write(self, out: Path) -> None:
        """Leave the report among the artifacts."""
        document = {
            "schema": 1,
            "source": self.source,
            "version": self.version,
            "steps": self.steps,
            "violations": self.violations,
        }
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, ensure_ascii=False, indent=1)
        (out / REPORT).write_text(text + "\n", encoding="utf-8")
