"""Writes files that the server names below a directory of the caller."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pileus.core.errors import InvalidRequest
from pileus.core.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pileus.cli.session import Session
    from pileus.sdk.api import Document


def save_artifacts(
    session: Session, job: str, artifacts: Iterable[Document], directory: Path
) -> None:
    """Write each artifact of a job below `directory`. Raises InvalidRequest."""
    for artifact in artifacts:
        path = artifact["path"]
        save(directory, path, session.client.jobs.artifact(job, path))


def save(directory: Path, path: str, content: bytes) -> Path:
    """Write `content` at `path` below `directory`; whole or not at all.

    Raises InvalidRequest for a path that leaves the directory, or that cannot be written.
    """
    target = below(directory, path)
    temporary = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        failpoint("download.written")
        temporary.replace(target)
    except OSError as error:
        raise InvalidRequest(
            f"{str(target)!r} cannot be written: {error.strerror}", hint="Choose another directory."
        ) from error
    return target


def below(directory: Path, path: str) -> Path:
    """Where `path` is below `directory`. Raises InvalidRequest for one that leaves it."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise InvalidRequest(
            f"{path!r} would be written outside {str(directory)!r}",
            hint="Fetch it by the SDK, under a name of your own.",
        )
    return directory / parts
