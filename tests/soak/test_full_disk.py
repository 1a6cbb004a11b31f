"""A home on a small file system that fills up: refusals in words, predictions that go on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.e2e.installation import Installation, until
from tests.soak.invariants import check
from tests.soak.story import Story

SIZE_MIB = 192

WRITES = (
    *[("run", "--detach", "--", "true")] * 3,
    ("token", "create", "late"),
    ("project", "create", "late"),
    ("endpoint", "create", "late", "--model", "soak"),
)


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
    for words in WRITES:
        # A little fits where room was taken before; what does not is refused like the large.
        done = installation.run(*words)
        assert done.returncode != 1, done.stderr
        assert not done.returncode or "room" in done.stderr or "full" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
    answered = [story.predict() for _ in range(50)]
    assert all(answered), f"{answered.count(False)} of 50 predictions failed on a full disk"
    story.seen.dropped = _dropped(installation)
    assert story.seen.dropped
    with suppress(FileNotFoundError):
        ballast.unlink()

    story.round()
    until(lambda: _told(installation), 20)
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


def _dropped(installation: Installation) -> int:
    """How many records the gateway has dropped so far."""
    token = (installation.home / "run" / "metrics.token").read_text("utf-8").strip()
    url = f"{installation.gateway_url}/metrics"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    lines = answer.text.splitlines()
    (line,) = (line for line in lines if line.startswith("pileus_gateway_records_dropped_total"))
    return int(float(line.split()[-1]))


def _told(installation: Installation) -> bool:
    """Whether the log says so, too: not before there is room for its lines."""
    logs = [path.read_text("utf-8") for path in (installation.home / "logs").glob("gateway*")]
    return any("records of predictions were dropped" in text for text in logs)
