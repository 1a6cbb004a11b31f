"""A trace of your own: a CSV file with one job a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from benchmarks.replay.workload import BadInput, Submission
from pileus.core.schemas.base import Schema
from pileus.core.schemas.jobs import JobSpec
from pileus.core.schemas.resources import Resources

TEN_YEARS = 10 * 365 * 86_400


class Line(Schema):
    """What a line may say; an empty cell, or no such column, is the default."""

    arrival_seconds: float = Field(ge=0, le=TEN_YEARS)
    """When it came, from any zero."""

    seconds: float = Field(gt=0, le=TEN_YEARS)
    """For how long it runs if nobody stops it."""

    cpu: float = 1.0
    memory_mib: int = 512
    gpu: float = 0.0
    gang: int = 1
    """Members that start together, each with `cpu`, `memory_mib` and `gpu`."""

    project: str = "default"
    priority: int = 0
    program: str = ""
    """What it runs: jobs of a project with the same are expected to take alike."""

    @property
    def submission(self) -> Submission:
        """The job. Raises ValidationError for one that Pileus would refuse."""
        spec = JobSpec(
            kind="command",
            command=("true",),
            resources=Resources(cpu=self.cpu, memory_mib=self.memory_mib, gpu=self.gpu),
            gang=self.gang,
            priority=self.priority,
        )
        return Submission(
            arrived=self.arrival_seconds,
            seconds=self.seconds,
            resources=spec.resources,
            gang=spec.gang,
            project=self.project,
            priority=spec.priority,
            code=self.program,
        )


COLUMNS = tuple(Line.model_fields)
_REQUIRED = [name for name, field in Line.model_fields.items() if field.is_required()]


def read(path: Path) -> list[Submission]:
    """All jobs of the file. Raises BadInput with the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            jobs = list(_submissions(path, csv.DictReader(file, strict=True)))
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): give an existing file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} is no CSV file in UTF-8 ({error}): save it as one") from None
    if not jobs:
        raise BadInput(f"{path} has no job: write one a line below the names of the columns")
    return jobs


def _submissions(path: Path, reader: csv.DictReader[str]) -> Iterator[Submission]:
    names = reader.fieldnames or ()
    odd = [name for name in names if name not in COLUMNS or names.count(name) > 1]
    missing = [name for name in _REQUIRED if name not in names]
    if odd or missing:
        what = f"column {odd[0]!r} is unknown or twice" if odd else f"no column {missing[0]!r}"
        raise BadInput(f"{path}, line 1: {what}. Name columns in it: {', '.join(COLUMNS)}")
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if None in row:
            raise BadInput(f"{where}: more cells than columns. Quote cells that contain a comma")
        given = {name: cell.strip() for name, cell in row.items() if cell and cell.strip()}
        try:
            submission = Line.model_validate(given).submission
        except ValidationError as error:
            raise BadInput(f"{where}: {_first(error, given)}") from None
        yield submission


def _first(error: ValidationError, given: Mapping[str, Any]) -> str:
    first = error.errors()[0]
    column = str(first["loc"][-1]) if first["loc"] else "a cell"
    said = f" = {given[column]!r}" if column in given else ""
    return f"{column}{said}: {first['msg']}. Correct the cell, or take the line out"
