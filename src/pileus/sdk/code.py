"""Code snapshots: a folder as the jobs that run it will find it."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pileus.core.errors import NotFound
from pileus.sdk.api import Api, Document
from pileus.sdk.blobs import Blobs

if TYPE_CHECKING:
    from pileus.sdk.snapshot.packing import Packed


@dataclass(frozen=True)
class Taken:
    """A snapshot that the project has."""

    code: Document
    secrets: tuple[str, ...]
    """Files left out because such names hold secrets."""

    @property
    def id(self) -> str:
        """`code_…`, for the `code` of a job's spec."""
        return str(self.code["id"])


class Code:
    """Code snapshots of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._blobs = Blobs(api)

    def get(self, identifier: str) -> Document:
        """One snapshot: its size, and where it came from."""
        return self._api.get(self._api.path("code", identifier))

    def take(self, folder: Path | str, *, include_secrets: bool = False) -> Taken:
        """A snapshot of a folder, uploaded unless the project has it already.

        Leaves out what .gitignore says, and files that hold secrets to judge by their names, such
        as `.env`, unless `include_secrets`. Raises SnapshotRefused.
        """
        from pileus.core.schemas.code import code_id  # start-up time
        from pileus.sdk.snapshot.listing import list_files  # start-up time
        from pileus.sdk.snapshot.packing import pack_files  # start-up time

        folder = Path(folder)
        listing = list_files(folder, include_secrets=include_secrets)
        with tempfile.TemporaryDirectory(prefix="pileus-code-") as scratch:
            packed = pack_files(listing, Path(scratch) / "pack")
            identifier = code_id(packed.manifest.content())
            try:
                code = self._api.post(self._api.path("code", identifier, "use"))
            except NotFound:
                code = self._upload(folder, packed)
        return Taken(code, listing.secrets)

    def _upload(self, folder: Path, packed: Packed) -> Document:
        from pileus.core.schemas.code import NewCode  # start-up time
        from pileus.sdk.snapshot import git  # start-up time

        provenance, diff = git.provenance(folder)
        manifest = packed.manifest.content()
        contents: dict[str, bytes | Path] = {_digest(manifest): manifest}
        contents[packed.manifest.pack] = packed.pack
        if diff:
            contents[_digest(diff)] = diff
            provenance = provenance.model_copy(update={"diff": _digest(diff)})
        for digest in self._blobs.missing(list(contents)):
            self._blobs.put(digest, contents[digest])
        new = NewCode(manifest=_digest(manifest), provenance=provenance)
        return self._api.post(self._api.path("code"), new.model_dump(mode="json"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
