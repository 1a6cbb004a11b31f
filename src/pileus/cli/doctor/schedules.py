"""Schedules of the project that submitted nothing at their last time: nobody waits for those."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene
from pileus.cli.refusals import refusals

NAME = "schedules"


def check(scene: Scene) -> Iterator[Finding]:
    # One page: an installation with more schedules in a project has other things to watch them.
    answer = scene.try_ask("server", f"/api/v1/projects/{scene.project}/schedules?limit=1000")
    if answer is None:
        yield Finding.skip(NAME, f"Schedules of project {scene.project!r} cannot be asked for")
        return
    schedules = answer.document["items"]
    refused = list(refusals(schedules))
    for said, hint in refused:
        yield Finding.warn(NAME, said, hint)
    if not refused:
        yield Finding.ok(NAME, f"None of {len(schedules)} was refused at its last time")
