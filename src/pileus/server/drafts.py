"""Reads documents that were stored as blobs, and believes no word of them unchecked."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from pileus.core.errors import InvalidRequest
from pileus.core.schemas.registry import Pack
from pileus.data.manifest import read_manifest
from pileus.data.profile import document
from pileus.data.schema import Manifest
from pileus.jobs.told import clean_object
from pileus.metering.storage import StorageAccount
from pileus.registry.datasets import VersionDraft
from pileus.registry.errors import ManifestRefused, ProfileRefused
from pileus.registry.profiles import ProfileDraft
from pileus.storage.blob import BlobStore, read_all
from pileus.storage.errors import BlobNotFound

MAX_MANIFEST_BYTES = 1024 * 1024 * 1024
"""About five million items; it is checked in memory."""

MAX_SHOWN = 1000
"""Classes or columns kept in the row, for show; the manifest has them all."""

MAX_TRANSFORM_BYTES = 256 * 1024
"""Of steps and statistics kept in the row; the manifest has them all."""


class Drafts:
    """What stored documents say of dataset versions and profiles to be."""

    def __init__(self, blobs: BlobStore, storage: StorageAccount) -> None:
        self._blobs = blobs
        self._storage = storage

    async def version(
        self, project: str, manifest: str, profile: str | None
    ) -> tuple[VersionDraft, ProfileDraft | None]:
        """A version whose manifest and packs are stored, and its profile, if one is.

        Raises ManifestRefused, ProfileRefused.
        """
        size, read = await self._manifest(project, manifest)
        packs = tuple(Pack(digest=pack.digest, size=pack.size) for pack in read.packs)
        await self._check_packs(project, packs)
        described = None if profile is None else await self._profile(project, profile, read)
        return _version(read, manifest, size, packs), described

    async def profile(self, project: str, manifest: str, profile: str) -> ProfileDraft:
        """A further profile of a version. Raises ProfileRefused."""
        _, read = await self._manifest(project, manifest)
        return await self._profile(project, profile, read)

    async def _manifest(self, project: str, manifest: str) -> tuple[int, Manifest]:
        """Size and content of a manifest's blob."""
        size = await self._blobs.size(project, manifest)
        if size is not None and size > MAX_MANIFEST_BYTES:
            raise ManifestRefused(
                f"Manifest {manifest!r} has {size} bytes, more than {MAX_MANIFEST_BYTES}",
                hint="Split the data into several datasets.",
            )
        try:
            content = await read_all(self._blobs, project, manifest)
        except BlobNotFound as error:
            raise ManifestRefused(
                f"Manifest {manifest!r} was not uploaded", hint="Upload it as a blob first."
            ) from error
        try:
            # A manifest of many items takes seconds to check; the loop serves others meanwhile.
            return len(content), await asyncio.to_thread(read_manifest, content)
        except InvalidRequest as error:
            raise ManifestRefused(error.message, hint=error.hint) from error

    async def _check_packs(self, project: str, packs: tuple[Pack, ...]) -> None:
        sizes = await self._storage.sizes(project, [pack.digest for pack in packs])
        for pack in packs:
            if sizes.get(pack.digest) != pack.size:
                raise ManifestRefused(
                    f"Pack {pack.digest!r} of {pack.size} bytes was not uploaded",
                    hint="Upload every pack before the version.",
                )

    async def _profile(self, project: str, digest: str, manifest: Manifest) -> ProfileDraft:
        size = await self._blobs.size(project, digest)
        if size is None:
            raise ProfileRefused(
                f"Profile {digest!r} was not uploaded", hint="Upload it as a blob first."
            )
        if size > document.MAX_BYTES:
            raise ProfileRefused(
                f"Profile {digest!r} has {size} bytes, more than {document.MAX_BYTES}",
                hint="Make the version without one.",
            )
        content = await read_all(self._blobs, project, digest)
        try:
            read = await asyncio.to_thread(document.read_profile, content, manifest)
        except InvalidRequest as error:
            raise ProfileRefused(error.message, hint=error.hint) from error
        return ProfileDraft(digest, size, read.schema, read.profiler)


def _version(
    read: Manifest, manifest: str, manifest_bytes: int, packs: tuple[Pack, ...]
) -> VersionDraft:
    return VersionDraft(
        id=read.id,
        manifest=manifest,
        manifest_bytes=manifest_bytes,
        kind=read.kind,
        task=read.task,
        rows_train=read.rows.train,
        rows_untouched=read.rows.untouched,
        size_bytes=read.size_bytes,
        source=read.source,
        info={
            "label": read.label,
            "classes": list(read.classes or ())[:MAX_SHOWN],
            "columns": [msgspec.to_builtins(column) for column in (read.columns or ())[:MAX_SHOWN]],
            "image": msgspec.to_builtins(read.image),
            "split": msgspec.to_builtins(read.split),
            **_transform(read),
            **_skipped(read),
        },
        packs=packs,
    )


def _transform(read: Manifest) -> dict[str, Any]:
    """How a version came about, for show; of a long document only what was done."""
    if read.transform is None:
        return {}
    shown = clean_object(read.transform)
    if len(msgspec.json.encode(shown)) > MAX_TRANSFORM_BYTES:
        shown = {name: shown.get(name) for name in ("source", "seed")}
    return {"transform": shown}


def _skipped(read: Manifest) -> dict[str, Any]:
    """What was left out of a version; the key is absent when nothing was."""
    if read.skipped is None:
        return {}
    return {"skipped": clean_object(msgspec.to_builtins(read.skipped))}
