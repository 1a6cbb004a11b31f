"""Environments that were built on this node, each named by its digest; the longest unused go.

An attempt reaches its environment by a link in its directory, which also says that it is in use.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from weakref import WeakValueDictionary

from pileus.compute.layout import Layout
from pileus.core.failpoints import failpoint
from pileus.core.schemas.jobs import AttemptSpec
from pileus.worker.building import build
from pileus.worker.requirements import wanted

log = logging.getLogger(__name__)

_PARTIAL = "."
"""Starts the name of what is being built."""

_STAMP = "pileus.json"
"""In a finished environment: its size; changed when an attempt uses it."""


class Kept(NamedTuple):
    """A built environment."""

    path: Path
    size: int
    used_at: float
    """Unix time."""


def to_evict(
    kept: Iterable[Kept], in_use: frozenset[Path], max_bytes: int, oldest: float
) -> list[Path]:
    """Those that nobody uses and that are too old, or, longest unused first, too much."""
    left = sorted(kept, key=lambda one: one.used_at)
    total = sum(one.size for one in left)
    gone = []
    for one in left:
        if one.path not in in_use and (one.used_at < oldest or total > max_bytes):
            gone.append(one.path)
            total -= one.size
    return gone


class Environments:
    """Builds each environment once. One worker has this directory, and builds one at a time."""

    def __init__(
        self,
        root: Path,
        attempts: Path,
        env: Mapping[str, str],
        *,
        max_mib: int,
        max_age: timedelta,
        build_seconds: float,
    ) -> None:
        self._root = root
        self._attempts = attempts
        self._env = env
        self._max_bytes = max_mib * 1024 * 1024
        self._max_age = max_age
        self._build_seconds = build_seconds
        self._building: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._placing = asyncio.Lock()

    def start(self) -> None:
        """Remove what was half built when a worker was killed."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for partial in self._root.glob(f"{_PARTIAL}*"):
            shutil.rmtree(partial, ignore_errors=True)

    async def place(self, layout: Layout, spec: AttemptSpec) -> None:
        """Let the attempt find the environment that its code asks for.

        Raises EnvironmentNotBuilt, OSError.
        """
        if spec.environment_file is None:
            return
        code = next(given.files[0].digest for given in spec.inputs if given.kind == "code")
        asked = await asyncio.to_thread(wanted, layout.work, spec.environment_file)
        digest = asked.digest(code)
        path = self._root / digest
        async with self._building.setdefault(digest, asyncio.Lock()):
            while not await self._linked(layout, path):
                _say(layout.stderr, f"Building environment {digest[:12]} of {asked.file.name}")
                partial = self._root / f"{_PARTIAL}{digest}.{secrets.token_hex(8)}"
                try:
                    await build(asked, partial, layout.stderr, self._env, self._build_seconds)
                    await asyncio.to_thread(_finish, partial, path)
                finally:
                    await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
        await self._trim()

    async def _linked(self, layout: Layout, path: Path) -> bool:
        """Link the attempt to a built environment; False when there is none that works."""
        async with self._placing:
            # Its interpreter is a link to the worker's, which may be gone after an upgrade.
            if not (path / _STAMP).exists() or not (path / "bin" / "python").exists():
                return False
            os.utime(path / _STAMP)
            layout.environment.unlink(missing_ok=True)
            layout.environment.symlink_to(path)
            return True

    async def _trim(self) -> None:
        async with self._placing:
            await asyncio.to_thread(self._evict)

    def _evict(self) -> None:
        used = self._attempts.glob(f"*/{Layout('').environment.name}")
        in_use = frozenset(path.readlink() for path in used if path.is_symlink())
        oldest = time.time() - self._max_age.total_seconds()
        for path in to_evict(self._kept(), in_use, self._max_bytes, oldest):
            log.info("environment %s is removed", path.name[:12])
            gone = path.with_name(f"{_PARTIAL}{path.name}.{secrets.token_hex(8)}")
            path.replace(gone)
            failpoint("environment.evicted")
            shutil.rmtree(gone, ignore_errors=True)

    def _kept(self) -> list[Kept]:
        found = []
        for stamp in self._root.glob(f"[!{_PARTIAL}]*/{_STAMP}"):
            size = json.loads(stamp.read_text(encoding="utf-8"))["bytes"]
            found.append(Kept(stamp.parent, int(size), stamp.stat().st_mtime))
        return found


def _finish(partial: Path, path: Path) -> None:
    size = sum(
        (Path(directory) / name).lstat().st_size
        for directory, _, names in os.walk(partial)
        for name in names
    )
    (partial / _STAMP).write_text(json.dumps({"bytes": size}), encoding="utf-8")
    failpoint("environment.built")
    shutil.rmtree(path, ignore_errors=True)  # one whose interpreter is gone
    failpoint("environment.cleared")
    partial.replace(path)


def _say(log_file: Path, line: str) -> None:
    with log_file.open("a", encoding="utf-8") as output:
        output.write(f"{line}\n")
