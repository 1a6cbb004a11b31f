"""The profile of a dataset version, from a source that streams by or from a version on disk."""

from __future__ import annotations

from pileus.data.image_facts import check
from pileus.data.load import LocalVersion
from pileus.data.profile.document import write_profile
from pileus.data.profile.images import ImageProfiler
from pileus.data.profile.tables import TableProfiler
from pileus.data.schema import Manifest

Profiler = TableProfiler | ImageProfiler


def profile_of(version: LocalVersion) -> bytes:
    """The profile document of a version on this machine's disk. Raises VersionDamaged.

    The same bytes as ingest computes for the same version.
    """
    manifest = version.manifest
    if manifest.kind == "table":
        return write_profile(_of_table(version, manifest).profile(manifest))
    profiler = ImageProfiler()
    for split in ("train", "untouched"):
        for item, data in version.contents(split):
            profiler.see(item.path, check(data, item.path))
    return write_profile(profiler.profile(manifest))


def _of_table(version: LocalVersion, manifest: Manifest) -> TableProfiler:
    profiler = TableProfiler(manifest.columns or (), str(manifest.label), manifest.classes)
    for split in ("train", "untouched"):
        for item, data in version.contents(split):
            profiler.see(item.split, data)
    return profiler
