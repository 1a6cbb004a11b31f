"""Fetches the secrets that an attempt's job names, and keeps them where no disk has them.

On Linux that is a directory of files in memory (`/dev/shm`), one for each attempt, outside of the
home; elsewhere the attempt's own directory. Either is removed when the attempt has ended, and what
a kill left behind when the next worker starts.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import os
import shutil
import stat
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pileus.compute.layout import PRIVATE_DIRECTORY, Layout
from pileus.compute.secrets import place
from pileus.core.errors import NotFound
from pileus.core.schemas.jobs import DesiredAttempt
from pileus.core.schemas.secrets import JobSecret
from pileus.storage.mounts import file_system
from pileus.worker.errors import SecretsMissing, SecretUnfit
from pileus.worker.link import ServerLink

log = logging.getLogger(__name__)

_MEMORY = Path("/dev/shm")  # noqa: S108  what is below it is ours alone, and checked to be


class SecretFiles:
    """Directories of secrets, by attempt; in `memory`, which is there only while one of them is."""

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        """What removes the last directory in memory must not meet what makes the next."""

    async def place(self, layout: Layout, order: DesiredAttempt, link: ServerLink) -> None:
        """Fetch the values with the attempt's token, and leave them for its runner.

        Raises SecretsMissing, SecretUnfit, what the link raises, OSError.
        """
        try:
            given = await link.secrets(order.project, order.job, order.token)
        except NotFound as error:
            if error.code != "secret_not_found":
                raise
            raise SecretsMissing(f"{error.message}: it was removed before this started") from error
        values = {one.name: base64.b64decode(one.base64) for one in given}
        variables, files = _sorted_out(order.spec.secrets, values)
        target = await asyncio.to_thread(self._made, layout)
        await asyncio.to_thread(place, layout, target, variables, files)

    async def clear(self, layout: Layout) -> None:
        """Nothing of an attempt's secrets is left; costs two looks where there are none at all."""
        if layout.secrets.exists() or (self._memory is not None and self._memory.exists()):
            await asyncio.to_thread(self.remove, layout)

    def remove(self, layout: Layout) -> None:
        """Nothing of an attempt's secrets is left."""
        if not layout.secrets.is_symlink():
            shutil.rmtree(layout.secrets, ignore_errors=True)
        # Never by way of the link: the attempt may have made it lead elsewhere.
        self._remove_from_memory([layout.directory.name])

    def sweep(self, attempts: Path) -> None:
        """Remove what belongs to no attempt on this node any more."""
        if self._memory is None or not _is_ours_alone(self._memory):
            return
        names = [directory.name for directory in self._memory.iterdir()]
        self._remove_from_memory([name for name in names if not (attempts / name).exists()])

    def _made(self, layout: Layout) -> Path | None:
        """The attempt's directory in memory; None where none can be had."""
        if self._memory is None:
            return None
        with self._lock:
            self._memory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
            if not _is_ours_alone(self._memory):
                log.warning("%r is not ours: secrets rest on disk", str(self._memory))
                return None
            directory = self._memory / layout.directory.name
            directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
            return directory

    def _remove_from_memory(self, names: Sequence[str]) -> None:
        if self._memory is None or not _is_ours_alone(self._memory):
            return
        with self._lock:
            for name in names:
                shutil.rmtree(self._memory / name, ignore_errors=True)
            with suppress(OSError):  # another attempt's are there
                self._memory.rmdir()


def memory_directory(worker: Path, memory: Path = _MEMORY) -> Path | None:
    """Where the worker of this directory may keep files in memory; None where there are none."""
    if file_system(memory) != "tmpfs":
        return None
    mark = hashlib.sha256(str(worker.resolve()).encode()).hexdigest()[:16]
    return memory / f"pileus-{os.getuid()}-{mark}"


def _is_ours_alone(directory: Path) -> bool:
    """Anybody may make a directory of this name there before us."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    is_private = stat.S_IMODE(found.st_mode) == PRIVATE_DIRECTORY
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and is_private


def _sorted_out(
    wanted: Sequence[JobSecret], values: Mapping[str, bytes]
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Variables and files, by name. Raises SecretUnfit, SecretsMissing."""
    variables, files = {}, {}
    for secret in wanted:
        if secret.name not in values:
            raise SecretsMissing(f"Secret {secret.name!r} did not come")
        value = values[secret.name]
        if secret.file is not None:
            files[secret.file] = value
        elif b"\0" in value:
            raise SecretUnfit(
                f"Secret {secret.name!r} holds a NUL byte, which no variable can",
                hint="Give it as a file: --secret-file on the command line, 'file' in a spec.",
            )
        else:
            variables[str(secret.variable)] = value
    return variables, files
