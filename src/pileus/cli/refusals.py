"""Schedules whose last time submitted nothing, as a person should hear of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pileus.cli import phrases


def refusals(schedules: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """What happened to each of them, and the next step."""
    for schedule in schedules:
        trouble = schedule.get("trouble")
        if trouble is None:
            continue
        name, paused = schedule["name"], "" if schedule["due_at"] else ", and is paused"
        said = (
            f"Schedule {name} submitted nothing at {phrases.moment(trouble['at'])}{paused}:"
            f" {trouble['message']}"
        )
        yield said, trouble["hint"] or f"`pileus schedule show {name}` tells more."
