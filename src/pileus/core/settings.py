"""Reads a section of settings: command line, then environment, `pileus.toml`, defaults.

A mistyped name refuses to start. Each process and package owns the model of its section; this file
knows only how the values are found.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pileus.core import failpoints
from pileus.core.errors import InvalidRequest

Settings = TypeVar("Settings", bound=BaseModel)

SECTIONS = (
    "client",
    "deletion",
    "gateway",
    "jobs",
    "logs",
    "metering",
    "security",
    "server",
    "storage",
    "tracking",
    "worker",
)
"""Every section that `pileus.toml` and the environment may name."""

SHORT_NAMES = {
    "PILEUS_HOME": ("client", "home"),
    "PILEUS_PROJECT": ("client", "project"),
    "PILEUS_TOKEN": ("client", "token"),
    "PILEUS_URL": ("client", "url"),
}
"""Names that a person types often, for a field of the client."""

FILE_NAME = "pileus.toml"
_PREFIX = "PILEUS_"
_ATTEMPT_PREFIX = "PILEUS_ATTEMPT_"  # set by us inside attempts, read by nobody here


class InvalidSettings(InvalidRequest, code="invalid_settings"):
    """A setting has an unknown name or a value that does not fit."""


def load(
    model: type[Settings],
    section: str,
    overrides: Mapping[str, Any] | None = None,
    home: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of `section` as `model`. Raises InvalidSettings.

    `overrides` come from the command line; one that is None was not given. `environ` is the
    process's own when absent.
    """
    fields = model.model_fields
    variables = os.environ if environ is None else environ
    path = None if home is None else home / FILE_NAME
    found: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for layer, source in (
        (_from_file(path, section, fields), str(path)),
        (_from_environment(variables, section, fields), "the environment"),
        (_given(overrides or {}), "the command line"),
    ):
        found.update(layer)
        origin.update(dict.fromkeys(layer, source))
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise _explain(error, section, fields, origin) from error


def find(section: str, field: str, home: Path, environ: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
    """One value as environment or `pileus.toml` give it, unchecked; None when neither does."""
    variables = os.environ if environ is None else environ
    text = variables.get(_variable(section, field))
    if text is not None:
        return _parsed(text)
    path = home / FILE_NAME
    return _table(path, section).get(field) if path.is_file() else None


def _given(overrides: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in overrides.items() if value is not None}


def _from_file(path: Path | None, section: str, fields: Iterable[str]) -> dict[str, Any]:
    if path is None or not path.is_file():
        return {}
    values = _table(path, section)
    for name in values:
        if name not in fields:
            raise _unknown(f"{name!r} in [{section}] of {str(path)!r}", name, fields, "{}")
    return values


def _table(path: Path, section: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(
            f"{str(path)!r} is not valid TOML: {error}", hint="Correct that line of the file."
        ) from error
    for name, table in document.items():
        if name not in SECTIONS:
            raise _unknown(f"[{name}] in {str(path)!r}", name, SECTIONS, "[{}]")
        if not isinstance(table, dict):
            raise InvalidSettings(
                f"{name!r} in {str(path)!r} is not a section", hint=f"Write it as [{name}]."
            )
    values: dict[str, Any] = document.get(section, {})
    return values


def _from_environment(
    variables: Mapping[str, str], section: str, fields: Iterable[str]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in variables.items():
        if not variable.startswith(_PREFIX) or variable.startswith(_ATTEMPT_PREFIX):
            continue
        if variable == failpoints.VARIABLE:
            continue
        owner, name = _address(variable)
        if owner != section:
            continue
        if name in fields:
            values[name] = _parsed(text)
        elif variable not in SHORT_NAMES:
            known = [_variable(section, field) for field in fields]
            raise _unknown(f"environment variable {variable!r}", variable, known, "{}")
    return values


def _address(variable: str) -> tuple[str, str]:
    """Section and field that a variable names. Raises InvalidSettings for an unknown section."""
    if variable in SHORT_NAMES:
        return SHORT_NAMES[variable]
    section, _, name = variable.removeprefix(_PREFIX).lower().partition("__")
    if not name or section not in SECTIONS:
        known = [*SHORT_NAMES, *(_variable(known, name or "field") for known in SECTIONS)]
        raise _unknown(f"environment variable {variable!r}", variable, known, "{}")
    return section, name


def _variable(section: str, field: str) -> str:
    return f"{_PREFIX}{section.upper()}__{field.upper()}"


def _parsed(text: str) -> Any:  # noqa: ANN401  JSON is any value
    """Lists and tables are written as JSON; everything else is left to the model."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _unknown(what: str, name: str, known: Iterable[str], form: str) -> InvalidSettings:
    import difflib  # only when refusing: start-up time of the CLI

    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = (
        f"The nearest known name is {form.format(near[0])}."
        if near
        else f"Known names: {', '.join(form.format(one) for one in known) or 'none'}."
    )
    return InvalidSettings(f"Unknown setting: {what}", hint=hint)


def _explain(
    error: ValidationError, section: str, fields: Iterable[str], origin: Mapping[str, str]
) -> InvalidSettings:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return _unknown(f"{name!r} of section {section!r}", name, fields, "{}")
    field = ".".join([section, *map(str, first["loc"])])
    source = origin.get(name, "the defaults")
    return InvalidSettings(
        f"Setting {field} = {first['input']!r} from {source}: {first['msg']}",
        hint=f"Change it there, or remove it to use the default of {field}.",
    )
