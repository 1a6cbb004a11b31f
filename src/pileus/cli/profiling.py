"""Fetches the profile of a dataset version, or computes one anew."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pileus.cli.skipped import skipped_of
from pileus.core.errors import NotFound
from pileus.data.load import open_version
from pileus.data.manifest import FILE_NAME
from pileus.data.profile.build import profile_of
from pileus.data.profile.document import read_profile
from pileus.data.profile.findings import findings

if TYPE_CHECKING:
    from pileus.data.profile.schema import Profile
    from pileus.sdk import Client

Version = Mapping[str, Any]


def fetch_profile(client: Client, version: Version) -> Profile:
    """The newest profile of a version. Raises NotFound, ProfileDamaged."""
    data = client.datasets.newest_profile(version["id"])
    if data is None:
        reference = f"{version['dataset']}@{version['number']}"
        raise NotFound(
            f"Dataset version {reference!r} has no profile; it was made before there were any",
            hint=f"Compute one with `pileus dataset profile {reference} --again`.",
        )
    return read_profile(data)


def profile_again(client: Client, version: Version) -> None:
    """Fetch the version, profile it here, and add the profile to it."""
    with tempfile.TemporaryDirectory(prefix="pileus-profile-") as name:
        directory = Path(name)
        (directory / "packs").mkdir()
        (directory / FILE_NAME).write_bytes(client.blobs.get(version["manifest"]))
        for pack in version["packs"]:
            (directory / "packs" / pack["digest"]).write_bytes(client.blobs.get(pack["digest"]))
        data = profile_of(open_version(directory))
    digest = hashlib.sha256(data).hexdigest()
    if client.blobs.missing([digest]):
        client.blobs.put(digest, data)
    client.datasets.add_profile(version["id"], digest)


def document(version: Version, profile: Profile) -> dict[str, Any]:
    """The profile with what a person should notice and what was left out, for --json."""
    found: dict[str, Any] = msgspec.to_builtins(profile)
    found["findings"] = msgspec.to_builtins(findings(profile))
    found["skipped"] = skipped_of(version)
    return found
