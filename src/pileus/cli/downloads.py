"""Copies artifacts of a job into a directory of the caller."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pileus.core.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pileus.cli.session import Session
    from pileus.sdk.api import Document


def save_artifacts(
    session: Session, job: str, artifacts: Iterable[Document], directory: Path
) -> None:
    """Write each artifact below `directory`. Raises InvalidRequest for a path that leaves it."""
    for artifact in artifacts:
        target = _below(directory, artifact["path"])
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.part")
        temporary.write_bytes(session.client.jobs.artifact(job, artifact["path"]))
        temporary.replace(target)


def _below(directory: Path, path: str) -> Path:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise InvalidRequest(
            f"Artifact {path!r} would be written outside {str(directory)!r}",
            hint="Fetch it by the SDK, under a name of your own.",
        )
    return directory / parts
