"""Pipelines: a set of named jobs that need one another, submitted as one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from pydantic import Field, model_validator

from pileus.core.schemas.base import Answer, Name, Row, Schema
from pileus.core.schemas.jobs import JobSpec, JobStatus


class PipelineSpec(Schema):
    """What someone asks to run; jobs name one another by their names in `jobs`."""

    name: Name
    jobs: dict[Name, JobSpec] = Field(min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _check(self) -> PipelineSpec:
        for name, spec in self.jobs.items():
            for need in spec.all_needs:
                if need not in self.jobs:
                    known = ", ".join(map(repr, self.jobs))
                    raise ValueError(f"job {name!r} needs {need!r}, which is none of {known}")
        in_order(self.jobs)
        return self


class Pipeline(Row):
    """A pipeline as it was submitted; its state is that of its jobs."""

    name: str
    spec: PipelineSpec
    submitted_by: str
    schedule: str | None = None
    scheduled_at: datetime | None = None
    """The time of its schedule that it runs for."""


class Step(Answer):
    """One job of a pipeline, as it is now."""

    name: str
    needs: tuple[str, ...]
    job: str | None
    """The newest job of this name; None when it was deleted."""

    status: JobStatus | None
    reason: str | None = None
    reused: str | None = None
    tries: int = 1
    """Jobs that were submitted for it: one, and one for each retry of the pipeline."""


class PipelineView(Pipeline):
    """A pipeline with its jobs, each after those that it needs."""

    status: JobStatus | None
    """The first that holds for any job: running, queued, waiting, failed, cancelled, succeeded.
    None when all its jobs were deleted."""

    steps: tuple[Step, ...]


def in_order(jobs: Mapping[str, JobSpec]) -> list[str]:
    """Names, each after those that it needs. Raises ValueError with the path of a cycle."""
    sorter = TopologicalSorter({name: spec.all_needs for name, spec in jobs.items()})
    try:
        return list(sorter.static_order())
    except CycleError as error:
        path = " → ".join(map(repr, reversed(error.args[1])))
        raise ValueError(f"jobs need one another in a circle: {path}") from error
