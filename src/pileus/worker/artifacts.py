"""Uploads what an attempt left under `out/`. Links are not followed: they may lead anywhere."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import stat
from pathlib import Path

from pileus.core.errors import LimitExceeded, PileusError, Unavailable
from pileus.core.opening import open_regular
from pileus.core.retrying import Backoff
from pileus.core.schemas.jobs import Artifact
from pileus.worker.link import ServerLink

log = logging.getLogger(__name__)


class UploadRefused(Exception):
    """The server does not take an artifact, and will not when asked again."""


async def upload(
    project: str, out: Path, link: ServerLink, backoff: Backoff
) -> tuple[Artifact, ...]:
    """Every regular file, stored. Tries for as long as the server is away. Raises UploadRefused."""
    artifacts = await asyncio.to_thread(_list, out)
    if not artifacts:
        return ()
    while True:
        try:
            missing = set(await link.missing(project, sorted({a.digest for a in artifacts})))
            for artifact in artifacts:
                if artifact.digest in missing:
                    await link.put_blob(project, artifact, out / artifact.path)
                    missing.discard(artifact.digest)
        except (Unavailable, LimitExceeded) as error:
            log.warning("artifacts of %s wait: %s", out.parent.name, error)
            await backoff.pause()
        except PileusError as error:
            raise UploadRefused(f"The server refused an artifact: {error.message}") from error
        except OSError as error:
            raise UploadRefused(f"An artifact cannot be read: {error}") from error
        else:
            return artifacts


def _list(out: Path) -> tuple[Artifact, ...]:
    found = []
    for directory, _, names in os.walk(out):
        for name in names:
            artifact = _describe(out, Path(directory) / name)
            if artifact is not None:
                found.append(artifact)
    return tuple(sorted(found, key=lambda artifact: artifact.path))


def _describe(out: Path, path: Path) -> Artifact | None:
    name = path.relative_to(out).as_posix()
    try:
        name.encode()
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        with open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except (OSError, UnicodeEncodeError) as error:
        log.warning("artifact %r is left out: %s", name, error)
        return None
    return Artifact(path=name, digest=digest, size=size)
