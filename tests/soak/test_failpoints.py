"""kill -9 at every place between two durable effects: everything comes out right all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pileus.core.failpoints import VARIABLE
from tests.e2e.installation import Installation, until
from tests.soak.invariants import check, check_nothing_half_written
from tests.soak.points import failpoints
from tests.soak.story import Story

BY_ANOTHER_STORY = {
    "database.copied": "tests/contract/test_migrations.py: an upgrade from an older version",
    "stream.gap_written": "tests/unit/tracking/test_live.py: a log that outgrows what is kept",
    "stream.gap_recorded": "tests/unit/tracking/test_live.py: a log that outgrows what is kept",
    "environment.cleared": "tests/unit/worker/test_environments.py: one that was damaged",
    "environment.evicted": "tests/unit/worker/test_environments.py: one that nobody uses",
}
"""Failpoints that no part of the story passes, and where they are tested."""

PASSES = {
    "database.before_commit": (0, 6, 30, 60),
    "database.committed": (0, 6, 30, 60),
    "blob.written": (0, 3),
    "blob.stored": (0, 3),
    "home_file.written": (0, 3, 6),
    "node_file.written": (0, 2, 4, 6, 8),
    "gateway_file.written": (0, 1),
    "prediction.metered": (0, 7),
    "secret_file.written": (0, 1),
}
"""How many to let pass before the kill, where one place serves many."""

PASSES_OF_A_DAY = 20
"""At least, where one place serves many; those that are let pass before may take more days."""

FIRST_DAYS = (
    (("home_file.written", 0), ("database.before_commit", 0), ("gateway_file.written", 0)),
    (
        ("home_file.written", 3),
        ("database.committed", 0),
        ("token.issued", 0),
        ("gateway_file.written", 1),
    ),
    (
        ("home_file.written", 6),
        ("secret_file.written", 0),
        ("database.before_commit", 6),
        ("bundle.fetched", 0),
    ),
    (("home.keys_made", 0), ("database.committed", 6), ("meter_file.allocated", 0)),
)
"""What happens in a new home only; a home each, since an installation takes its time to make."""

PLAYED_BY = {
    "meters.shipped": Story.night,
    "dead_meters.taken": Story.night,
    "dead_segment.whole": Story.night,
    "blob.rewritten": Story.keys,
    "environment.built": Story.own_code,
    "secrets.files_placed": Story.secret_job,
    "secrets.taken": Story.secret_job,
    "download.written": Story.copies,
    "export.made": Story.copies,
    "export.archived": Story.copies,
    "secret_file.written": Story.keys,
    "master_key.prepared": Story.keys,
    "master_key.rewrapped": Story.keys,
    "master_key.kept": Story.keys,
    "project_key.shredded": Story.keys,
    "project_blobs.rewritten": Story.keys,
    "project_blobs.erased": Story.keys,
    "project.emptied": Story.leave,
    "project.shredded": Story.leave,
    "blobs.forgotten": Story.leave,
    "backup.copied": Story.leave,
    "backup_document.written": Story.leave,
    "home.restored": Story.leave,
}
"""What no ordinary day passes. An ordinary one passes all others."""

PLAIN_AT_FIRST = "blob.rewritten"
"""Passed by blobs that were stored before encryption was on, so that it comes before all else that
is done with keys."""

LATE_SECONDS = 10.0
"""What follows the last answer, such as a shipment, comes within this."""

Point = tuple[str, int]


def _turn(name: str) -> tuple[bool, bool, str]:
    """What ordinary days pass comes first, by name."""
    return name in PLAYED_BY, name != PLAIN_AT_FIRST, name


LATER = [
    (name, passes)
    for name in sorted(failpoints(), key=_turn)
    if name not in BY_ANOTHER_STORY
    for passes in PASSES.get(name, (0,))
    if (name, passes) not in {point for day in FIRST_DAYS for point in day}
]
LIVES = [(first, LATER[number :: len(FIRST_DAYS)]) for number, first in enumerate(FIRST_DAYS)]
"""Each home dies at several places on its first day, then at one place after the other."""


@pytest.fixture
def armed(tmp_path: Path) -> Path:
    directory = tmp_path / "failpoints"
    directory.mkdir()
    return directory


@pytest.fixture
def story(tmp_path: Path, armed: Path) -> Iterator[Story]:
    installation = Installation(tmp_path / "installation")
    try:
        yield Story(installation, {VARIABLE: str(armed)})
    finally:
        installation.end()


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first, later", LIVES, ids=[str(n) for n in range(1, len(LIVES) + 1)])
def test_a_kill_there_changes_nothing(
    story: Story, armed: Path, first: tuple[Point, ...], later: list[Point], subtests
) -> None:
    with subtests.test(points=first):
        for name, passes in first:
            _arm(armed, name, passes)
        story.encrypt(is_on=all(name != PLAIN_AT_FIRST for name, _ in later))
        story.up()
        story.round()
        story.rest()
        _check_passed(armed, *first)
        check(story)
    story.encrypt(is_on=True)

    for name, passes in later:
        with subtests.test(point=name, passes=passes):
            _arm(armed, name, passes)
            if name == PLAIN_AT_FIRST:
                story.again()
            for _ in range(1 + passes // PASSES_OF_A_DAY):
                PLAYED_BY.get(name, Story.round)(story)
                story.rest()
                if not (armed / name).exists():
                    break
            _check_passed(armed, (name, passes))
            check(story)

    check_nothing_half_written(story)


def _arm(armed: Path, name: str, passes: int) -> None:
    (armed / name).write_text(str(passes), "ascii")


def _check_passed(armed: Path, *points: Point) -> None:
    """Each of them was passed often enough; takes away what would kill at another time."""

    def waiting() -> list[Path]:
        return [armed / name for name, _ in points if (armed / name).exists()]

    with suppress(TimeoutError):
        until(lambda: not waiting(), LATE_SECONDS, 0.2)
    missed = waiting()
    for path in missed:
        path.unlink()
    assert not missed, "too few passed by"


def test_every_failpoint_is_in_one_story():
    names = set(failpoints())
    assert (
        set(BY_ANOTHER_STORY)
        | {name for _, later in LIVES for name, _ in later}
        | {name for day in FIRST_DAYS for name, _ in day}
        == names
    )
    assert set(BY_ANOTHER_STORY) | PLAYED_BY.keys() | PASSES.keys() <= names
