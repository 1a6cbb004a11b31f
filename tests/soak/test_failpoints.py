"""kill -9 at every place between two durable effects: everything comes out right all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pileus.core.failpoints import VARIABLE
from tests.e2e.installation import Installation
from tests.soak.invariants import check, check_nothing_half_written
from tests.soak.points import failpoints
from tests.soak.story import Story

BY_ANOTHER_STORY = {
    "database.copied": "tests/contract/test_migrations.py: an upgrade from an older version",
}
"""Failpoints that no day of work passes, and where they are tested."""

PASSES = {
    "database.before_commit": (0, 6, 30, 60),
    "database.committed": (0, 6, 30, 60),
    "blob.written": (0, 3),
    "blob.stored": (0, 3),
    "home_file.written": (0, 3, 6),
    "node_file.written": (0, 2, 4, 6, 8),
    "gateway_file.written": (0, 1),
    "prediction.metered": (0, 7),
}
"""How many to let pass before the kill, where one place serves many."""

PLAIN_AT_FIRST = {"blob.rewritten"}
"""Passed by blobs that were stored before encryption was on."""

WRITTEN_BESIDE = {
    "cached_blob.written",
    "gateway_file.written",
    "home_file.written",
    "node_file.written",
}
"""A kill there keeps a file from its name."""

CASES = [
    (name, passes)
    for name in failpoints()
    if name not in BY_ANOTHER_STORY
    for passes in PASSES.get(name, (0,))
]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    armed = tmp_path / "failpoints"
    armed.mkdir()
    installation = Installation(tmp_path / "installation")
    try:
        yield Story(installation, {VARIABLE: str(armed)})
    finally:
        installation.end()


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name, passes", CASES)
def test_a_kill_there_changes_nothing(story: Story, tmp_path: Path, name: str, passes: int) -> None:
    point = tmp_path / "failpoints" / name
    point.write_text(str(passes), "ascii")
    if name in PLAIN_AT_FIRST:
        story.encrypt(is_on=False)

    story.up()
    story.round()
    story.encrypt(is_on=True)
    for part in (story.night, story.keys, story.leave, story.round):
        if point.exists():
            part()
    story.rest()

    assert not point.exists(), f"too few passed by {name!r}"
    check(story)
    if name in WRITTEN_BESIDE:
        check_nothing_half_written(story)


def test_what_another_story_passes_is_a_failpoint():
    assert set(BY_ANOTHER_STORY) <= set(failpoints())
