"""Pipeline files: TOML with a name, parameters, and a table for each job.

`${epochs}` stands for a parameter. A text that is nothing else takes the parameter's own type.
`${scheduled_at}` needs no parameter: it is the time that a schedule runs for, or else now.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pileus.core.errors import InvalidRequest
from pileus.core.schemas.pipelines import PipelineSpec
from pileus.core.schemas.schedules import SCHEDULED_AT

_PARAMETER = re.compile(r"\$\{([^{}]*)\}")


class PipelineFileRefused(InvalidRequest, code="pipeline_file_refused"):
    """A file that describes no pipeline; the message says where."""


def read_pipeline(
    path: Path, params: Mapping[str, str] | None = None, *, is_scheduled: bool = False
) -> PipelineSpec:
    """The pipeline of a file, with `params` in the place of its own values for them.

    For a schedule, `${scheduled_at}` stays for the server to fill. Raises PipelineFileRefused,
    which names the line or the job.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineFileRefused(
            f"{path} cannot be read: {error}", hint="Name a text file in UTF-8 that you may read."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise PipelineFileRefused(
            f"{path}: {error}", hint="It is TOML, with a table [jobs.NAME] for each job."
        ) from error
    known = document.pop("params", {})
    if not isinstance(known, Mapping):
        raise PipelineFileRefused(
            f"{path}: 'params' is not a table of names and values but {known!r}",
            hint="Write [params] and below it a line NAME = VALUE for each.",
        )
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    known = {SCHEDULED_AT: f"${{{SCHEDULED_AT}}}" if is_scheduled else now, **known}
    values = dict(known)
    for name, value in (params or {}).items():
        if name not in known:
            raise PipelineFileRefused(
                f"{path} has no parameter {name!r}",
                hint=f"Its parameters: {', '.join(sorted(known)) or 'none'}.",
            )
        values[name] = _typed(path, name, value, known[name])
    try:
        return PipelineSpec.model_validate(_filled(path, document, values))
    except ValidationError as error:
        raise PipelineFileRefused(
            _where(path, text, error), hint="Mend the file; --dry-run checks it without running it."
        ) from error


def _typed(path: Path, name: str, value: str, default: object) -> object:
    """A value from a command line as the type of the file's own."""
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[value.lower()]
        if isinstance(default, int | float):
            return type(default)(value)
    except (KeyError, ValueError) as error:
        raise PipelineFileRefused(
            f"{path}: parameter {name!r} is a {type(default).__name__}, which {value!r} is not",
            hint=f"The file's own value is {default!r}.",
        ) from error
    return value


def _filled(path: Path, value: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  TOML
    if isinstance(value, dict):
        return {key: _filled(path, inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(path, inner, values) for inner in value]
    if not isinstance(value, str):
        return value
    for name in _PARAMETER.findall(value):
        if name not in values:
            raise PipelineFileRefused(
                f"{path}: ${{{name}}} is no parameter",
                hint=f"Give it a value under [params]; known: {', '.join(sorted(values)) or 'none'}.",
            )
    whole = _PARAMETER.fullmatch(value)
    if whole:
        return values[whole[1]]
    return _PARAMETER.sub(lambda found: str(values[found[1]]), value)


def _where(path: Path, text: str, error: ValidationError) -> str:
    """The first thing that is wrong, with the line of its job."""
    first = error.errors()[0]
    what = first["msg"].removeprefix("Value error, ")
    place = [str(part) for part in first["loc"]]
    if place[:1] != ["jobs"] or len(place) == 1:
        return f"{path}: {': '.join([*place, what])}"
    job, field = place[1], ".".join(place[2:])
    line = _line_of(text, job)
    return f"{path}{f':{line}' if line else ''}: job {job!r}: {f'{field}: ' if field else ''}{what}"


def _line_of(text: str, job: str) -> int | None:
    header = re.compile(rf"\s*\[\s*jobs\s*\.\s*[\"']?{re.escape(job)}[\"']?\s*\]")
    for number, line in enumerate(text.splitlines(), 1):
        if header.match(line):
            return number
    return None
