"""Schedules: a pipeline that is submitted again at the times of a cron expression."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum

from pileus.core.schemas.base import Answer, Name, Row, Schema
from pileus.core.schemas.pipelines import PipelineSpec, PipelineView

SCHEDULED_AT = "scheduled_at"
"""`${scheduled_at}` in a pipeline is the time that it runs for."""


class CatchUp(StrEnum):
    """What becomes of times that passed while nothing could run."""

    SKIP = "skip"  #: nothing: only a time that is not a minute old runs
    LATEST = "latest"  #: the last of them runs, once for all
    ALL = "all"  #: each runs, in order


class ScheduleTerms(Schema):
    """When to run what."""

    cron: str
    """Five fields, as in crontab(5): minute, hour, day of month, month, day of week; or `@hourly`,
    `@daily`, `@weekly`, `@monthly`, `@yearly`."""

    time_zone: str = "UTC"
    """A name of the IANA time zone database, such as `Europe/Berlin`."""

    catch_up: CatchUp = CatchUp.LATEST
    overlaps: bool = False
    """Whether it runs while its pipeline of the time before has not ended; without, it waits for
    that end, and the times that pass meanwhile have passed."""

    pipeline: PipelineSpec


class NewSchedule(ScheduleTerms):
    """A schedule to be."""

    name: Name


class ScheduleChange(Schema):
    """What is different from now on; what is absent stays."""

    cron: str | None = None
    time_zone: str | None = None
    catch_up: CatchUp | None = None
    overlaps: bool | None = None
    pipeline: PipelineSpec | None = None
    is_paused: bool | None = None
    """Times that pass while it is paused are not caught up."""


class Trouble(Schema):
    """Why the last time that came submitted nothing."""

    at: datetime
    """The time that it was to run for."""

    message: str
    hint: str | None


class Schedule(Row):
    """A schedule as it stands."""

    name: str
    cron: str
    time_zone: str
    catch_up: CatchUp
    overlaps: bool
    pipeline: PipelineSpec
    owner: str
    """The principal whose rights it runs with: who changed it last."""

    due_at: datetime | None
    """The first time that is not dealt with; None while it is paused."""

    last_pipeline: str | None = None
    trouble: Trouble | None = None

    @property
    def is_paused(self) -> bool:
        """Whether no time is due until it is resumed."""
        return self.due_at is None


class ScheduleShown(Answer):
    """A schedule with its next times and its newest pipelines."""

    schedule: Schedule
    times: list[datetime]
    pipelines: list[PipelineView]


class Preview(Answer):
    """What a schedule would do."""

    times: list[datetime]
    """Its next times, in its time zone."""

    jobs: list[str]
    """Names of its jobs, each after those that it needs."""


def for_time(spec: PipelineSpec, moment: datetime) -> PipelineSpec:
    """`spec` with `moment`, in ISO 8601, in the place of `${scheduled_at}`."""
    document = json.dumps(spec.model_dump(mode="json", exclude_unset=True))
    return PipelineSpec.model_validate_json(
        document.replace(f"${{{SCHEDULED_AT}}}", moment.isoformat())
    )
