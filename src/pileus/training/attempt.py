"""What training needs of the attempt it runs in; `pileus_attempt.Attempt` is one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Attempt(Protocol):
    """Files in, files out, metrics, and one last word."""

    @property
    def inputs(self) -> Path:
        """Directory with one directory for each input, read-only."""
        ...

    @property
    def out(self) -> Path:
        """Directory whose files become artifacts."""
        ...

    @property
    def params(self) -> Mapping[str, Any]: ...

    @property
    def stop_requested(self) -> bool:
        """True once the attempt was asked to stop: checkpoint and end."""
        ...

    def log_metric(self, name: str, value: float, step: int) -> None: ...

    def finish(self, summary: dict[str, Any]) -> None: ...

    def fail(self, code: str, message: str, hint: str | None) -> None: ...

    def preempted(self, summary: dict[str, Any]) -> None:
        """End as 'preempted': another attempt goes on from `out/checkpoint/`."""
        ...
