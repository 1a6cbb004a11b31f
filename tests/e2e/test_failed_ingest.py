"""An ingest that fails after packs have gone: no version, and in the end no trace of it."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest

from pileus.core.errors import NotFound
from pileus.data import packing
from pileus.data.create import create_version
from pileus.data.errors import ImageDamaged
from pileus.sdk import Client
from pileus.server.deletion.collection import SETTLING
from tests.e2e.installation import Installation
from tests.e2e.test_clean_kills import assert_no_litter
from tests.unit.data.build import class_folder

PACK_BYTES = 1000
"""A few images, so that packs go long before the end."""


@pytest.fixture(autouse=True)
def _small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PACK_BYTES", PACK_BYTES)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files of this process go."""
    path = tmp_path / "scratch"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Class folders of forty images, the last of which is cut."""
    folder = class_folder(tmp_path / "pets", {"cats": 20, "dogs": 20})
    last = max(folder.rglob("*.png"))
    last.write_bytes(last.read_bytes()[:-30])
    return folder


def client_of(installation: Installation, *, is_near: bool) -> Client:
    """One that shares the home with the server, or one that only knows its address."""
    if is_near:
        return Client.from_home(installation.home)
    port = installation.document("ports.json")["server"]
    return Client(f"http://127.0.0.1:{port}", installation.token)


def files(installation: Installation) -> set[Path]:
    return {path for path in (installation.home / "blobs").glob("*/*/*") if path.is_file()}


def wait_until_settled(installation: Installation) -> None:
    """As if the files had lain there for longer than a row may take to be written."""
    then = time.time() - 2 * SETTLING / timedelta(seconds=1)
    for path in files(installation):
        os.utime(path, (then, then))


class TestFailedIngest:
    @pytest.mark.parametrize("is_near", [True, False])
    def test_a_damaged_last_image_leaves_no_version_and_no_blob(
        self, rough: Installation, images: Path, scratch: Path, is_near: bool
    ) -> None:
        before = files(rough)

        with client_of(rough, is_near=is_near) as client:
            with pytest.raises(ImageDamaged, match=r"dogs/9\.png"):
                create_version(client, "cut", str(images))
            with pytest.raises(NotFound):
                client.datasets.get("cut")
            assert "cut" not in {dataset["name"] for dataset in client.datasets.list()}

        assert len(files(rough) - before) > 3, "packs went before the end was read"
        wait_until_settled(rough)
        assert_no_litter(rough)
        assert files(rough) <= before
        assert list((rough.home / "staging").iterdir()) == []
        assert list(scratch.iterdir()) == []

    def test_once_mended_it_sends_again_what_was_collected(
        self, rough: Installation, images: Path, tmp_path: Path
    ) -> None:
        with rough.client() as client:
            with pytest.raises(ImageDamaged):
                create_version(client, "mended", str(images))
            wait_until_settled(rough)
            assert_no_litter(rough)
            whole = class_folder(tmp_path / "pets", {"cats": 20, "dogs": 20})

            made = create_version(client, "mended", str(whole)).version

            for pack in made["packs"]:
                content = client.blobs.get(pack["digest"])
                assert hashlib.sha256(content).hexdigest() == pack["digest"]
        assert len(made["packs"]) > 3
