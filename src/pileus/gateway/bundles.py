"""Bundles on the lane's own disk, fetched by digest and checked before anything reads them."""

from __future__ import annotations

import hashlib
import logging
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pileus.core.failpoints import failpoint
from pileus.gateway.files import private_directory
from pileus.inference.bundle import check_path, file_sha256
from pileus.inference.errors import BundleDamaged

if TYPE_CHECKING:
    from pileus.core.schemas.registry import BundleFile
    from pileus.core.schemas.serving import Route
    from pileus.gateway.link import ServerLink

log = logging.getLogger(__name__)

_FETCHING = ".fetching-"


class BundleCache:
    """`bundles/<digest of the list of files>/`; a directory is there whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = private_directory(directory)

    def directory_of(self, route: Route) -> Path:
        """Where the route's bundle is, or will be."""
        lines = sorted(f"{file.path}\0{file.digest}\n" for file in route.bundle)
        return self._directory / hashlib.sha256("".join(lines).encode()).hexdigest()

    def has(self, route: Route) -> bool:
        return self.directory_of(route).is_dir()

    def is_intact(self, route: Route) -> bool:
        """Every file has the bytes that the route names."""
        root = self.directory_of(route)
        try:
            return all(file_sha256(root / file.path) == file.digest for file in route.bundle)
        except OSError:
            return False

    async def fetch(self, route: Route, link: ServerLink) -> Path:
        """The bundle's directory, fetched unless it is there and intact."""
        final = self.directory_of(route)
        if self.is_intact(route):
            return final
        shutil.rmtree(final, ignore_errors=True)
        temporary = self._directory / f"{_FETCHING}{secrets.token_hex(8)}"
        try:
            for file in route.bundle:
                await _fetch_file(temporary, route.project, file, link)
            failpoint("bundle.fetched")
            temporary.rename(final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return final

    def keep_only(self, routes: Iterable[Route]) -> None:
        """Delete the bundles of other routes."""
        kept = {self.directory_of(route) for route in routes}
        for path in self._directory.iterdir():
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)


async def _fetch_file(root: Path, project: str, file: BundleFile, link: ServerLink) -> None:
    check_path(file.path)
    path = root / file.path
    private_directory(path.parent)
    digest = hashlib.sha256()
    with path.open("xb") as stream:
        async for chunk in link.blob(project, file.digest):
            digest.update(chunk)
            stream.write(chunk)
    if digest.hexdigest() != file.digest:
        raise BundleDamaged(
            f"The server sent {file.path!r} with digest {digest.hexdigest()!r},"
            f" not {file.digest!r}",
            hint="Look into the server's log and its blobs.",
        )
