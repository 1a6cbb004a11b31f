"""A running installation for the whole session, and a second one that may be hurt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.installation import Installation
from tests.e2e.shelf import Shelf, served


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """What predictions by reference may name, on a web server and on object storage."""
    with served(tmp_path_factory.mktemp("shelf")) as found:
        yield found


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory, shelf: Shelf) -> Iterator[Installation]:
    """Started once; no test hurts its processes."""
    installation = Installation(tmp_path_factory.mktemp("calm"))
    installation.configure(f"[gateway]\nallowed_objects = {json.dumps(shelf.allowed)}\n")
    try:
        installation.up(**shelf.environment)
        yield installation
        installation.down()
    finally:
        installation.end()


@dataclass(frozen=True)
class Digits:
    """What the session's one quick training on the digits came to."""

    version: dict[str, Any]
    job: dict[str, Any]
    endpoint: dict[str, Any]
    image: Path
    """A PNG of an image that no training has read."""


@pytest.fixture(scope="session")
def digits(calm: Installation) -> Digits:
    version = calm.cli("dataset", "create", "digits", "sample:digits")
    words = ("--recipe", "cnn", "--epochs", "3", "--register", "digits")
    job = calm.cli("train", "digits", *words)
    endpoint = calm.cli("endpoint", "create", "digits", "--model", "digits:1")
    return Digits(version, job, endpoint, untouched_image(calm, version))


@pytest.fixture(scope="session")
def _rough_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("rough"))
    try:
        installation.up()
        installation.cli("dataset", "create", "digits", "sample:digits")
        yield installation
    finally:
        installation.end()


@pytest.fixture
def rough(_rough_home: Installation) -> Installation:
    """Has a dataset `digits`. May be killed, stopped and started: the next test finds it up."""
    if _rough_home.cli("status")["state"] != "ready":
        _rough_home.run("down")
        _rough_home.up()
    return _rough_home


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A home in which nothing has run."""
    installation = Installation(tmp_path_factory.mktemp("fresh"))
    yield installation
    installation.end()


def untouched_image(installation: Installation, version: dict[str, Any]) -> Path:
    """A PNG of an image that no training has read."""
    with installation.client() as client:
        manifest = json.loads(client.blobs.get(version["manifest"]))
        item = next(item for item in manifest["items"] if item[4] == "untouched")
        _, _, _, size, _, pack, offset = item
        content = client.blobs.get(manifest["packs"][pack]["digest"])[offset : offset + size]
    raw = installation.directory / "digit.pgm"
    raw.write_bytes(content)
    image = installation.directory / "digit.png"
    with Image.open(raw) as opened:
        opened.save(image)
    return image
