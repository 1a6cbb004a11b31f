"""A home on a small file system that fills up: refusals in words, predictions that go on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.installation import Installation, until
from tests.soak.invariants import check
from tests.soak.story import Story

SIZE_MIB = 192


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    installation = Installation(tmp_path / "installation")
    home = installation.home
    home.mkdir(parents=True)
    options = f"size={SIZE_MIB}m,mode=0700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(home)], check=False
    )
    if mounted.returncode:
        pytest.skip("a file system can only be mounted by root")
    try:
        yield Story(installation, {})
    finally:
        installation.end()
        subprocess.run(["umount", "-l", str(home)], check=True)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_full_disk_refuses_writes_and_answers_predictions(story: Story) -> None:
    installation = story.installation
    story.up()
    story.round()
    story.ended()

    ballast = _fill(installation.home)
    refused = installation.run("dataset", "create", "more", "sample:digits")
    assert refused.returncode not in {0, 1}, "refused on purpose, not by a bug"
    assert "full" in refused.stderr or "room" in refused.stderr, refused.stderr
    assert "Traceback" not in refused.stderr
    answered = [story.predict() for _ in range(50)]
    assert all(answered), f"{answered.count(False)} of 50 predictions failed on a full disk"
    until(lambda: _dropped(installation), 20)
    with suppress(FileNotFoundError):
        ballast.unlink()

    story.round()
    story.rest()
    check(story)


def _fill(home: Path) -> Path:
    """Leave no block free."""
    ballast = home / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(512))
    time.sleep(0.5)
    os.sync()
    return ballast


def _dropped(installation: Installation) -> bool:
    """Whether the gateway says that records were dropped, and how many."""
    logs = [path.read_text("utf-8") for path in (installation.home / "logs").glob("gateway*")]
    return any("records of predictions were dropped" in text for text in logs)
