"""Schedules: pipelines at the times of a cron expression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pileus.sdk.api import Api, Document


class Schedules:
    """Schedules of a project; terms are as in `pileus.core.schemas.schedules.ScheduleTerms`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def create(self, name: str, terms: Document) -> Document:
        """Submit the pipeline of `terms` at its times from now on."""
        return self._api.create(self._api.path("schedules"), {"name": name, **terms})

    def check(self, terms: Document) -> Document:
        """The next `times` and the order of the `jobs` of such a schedule; nothing is kept."""
        return self._api.post(self._api.path("schedules", "check"), terms)

    def list(self) -> Iterator[Document]:
        """Schedules, by id."""
        return self._api.items(self._api.path("schedules"))

    def get(self, name: str) -> Document:
        """A `schedule`, its next `times` and its newest `pipelines`."""
        return self._api.get(self._api.path("schedules", name))

    def update(self, name: str, **changes: Any) -> Document:
        """Change what is named; the schedule runs with the caller's rights from now on."""
        return self._api.patch(self._api.path("schedules", name), changes)

    def pause(self, name: str) -> Document:
        """No time is due until it is resumed, and none of them is caught up."""
        return self.update(name, is_paused=True)

    def resume(self, name: str) -> Document:
        """Run at its next times, with the caller's rights."""
        return self.update(name, is_paused=False)

    def run(self, name: str) -> Document:
        """Submit its pipeline at once; the pipeline."""
        return self._api.create(self._api.path("schedules", name, "run"), None)

    def delete(self, name: str, *, now: bool = False) -> Document:
        """Delete a schedule, and not its pipelines; its tombstone."""
        return self._api.delete(self._api.path("schedules", name), now=now)
