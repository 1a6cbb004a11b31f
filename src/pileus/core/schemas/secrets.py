"""Secrets: how a project keeps one, how a job names it, what its attempt is given."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from pileus.core.errors import InvalidRequest
from pileus.core.schemas.base import Answer, Row, Schema

MAX_BYTES = 64 * 1024
MIN_BYTES = 4
"""Less cannot be masked: it would be found in every other word of a log."""

MAX_SECRETS = 100
"""Of one job."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_OURS = re.compile(
    r"PILEUS_|LD_"
    r"|(PATH|PYTHONPATH|CUDA_VISIBLE_DEVICES|HOME|LOGNAME|SHELL|TMPDIR|USER)\Z"
)
"""Variables that say how an attempt is run, or that a sandbox takes away."""


class InvalidSecretName(InvalidRequest, code="invalid_secret_name"):
    """A name that no environment variable can have."""


class Secret(Row):
    """A value as a project keeps it: encrypted with the project's key."""

    name: str
    version: int
    """1 when it is made, one more each time it is set."""

    updated_at: datetime
    set_by: str
    """The principal that set this version."""

    key: str
    """Id of the project key that it is encrypted with."""

    sealed: str = Field(repr=False)


class SecretShown(Answer):
    """What is told of a secret; never its value."""

    id: str
    name: str
    version: int
    created_at: datetime
    updated_at: datetime
    set_by: str


class JobSecret(Schema):
    """A secret that a job is given: `"NAME"`, or a table that says where it goes."""

    name: str
    variable: str | None = None
    """Environment variable that holds the value; of the secret's own name when nothing is said."""

    file: str | None = None
    """In its place: a file of this name in the directory `PILEUS_ATTEMPT_SECRETS_DIR`."""

    @model_validator(mode="before")
    @classmethod
    def _widen(cls, given: Any) -> Any:  # noqa: ANN401  as it came
        given = {"name": given} if isinstance(given, str) else given
        if isinstance(given, Mapping) and not given.get("variable") and not given.get("file"):
            return {**given, "variable": given.get("name")}
        return given

    @model_validator(mode="after")
    def _check(self) -> JobSecret:
        check_secret_name(self.name)
        if self.variable is not None and self.file is not None:
            raise ValueError(f"secret {self.name!r} goes into a 'variable' or a 'file', not both")
        if self.variable is not None and not _VARIABLE.match(self.variable):
            raise ValueError(f"{self.variable!r} is no name of an environment variable")
        if self.variable is not None and _OURS.match(self.variable):
            raise ValueError(f"variable {self.variable!r} is not a job's to set")
        if self.file is not None and not _FILE.match(self.file):
            raise ValueError(f"{self.file!r} is no plain name of a file")
        return self


class SecretValue(Answer):
    """One value on its way to an attempt."""

    name: str
    base64: str = Field(repr=False)


class SecretValues(Answer):
    """All that an attempt is given."""

    # A message about what does not fit would quote it.
    model_config = Answer.model_config | ConfigDict(hide_input_in_errors=True)

    secrets: tuple[SecretValue, ...]


def check_secret_name(name: str) -> str:
    """`name`, if an environment variable can have it. Raises InvalidSecretName."""
    if not _VARIABLE.match(name):
        raise InvalidSecretName(
            f"Secret {name[:200]!r} is not a valid name",
            hint="Use letters, digits and '_', not a digit first; at most 128.",
        )
    return name


def apart(secrets: Sequence[JobSecret], env: Collection[str]) -> None:
    """Raises ValueError when two of these would go into the same place."""
    variables = [*env, *(one.variable for one in secrets if one.variable is not None)]
    files = [one.file for one in secrets if one.file is not None]
    for kind, names in (("variable", variables), ("file", files)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{kind} {twice[0]!r} is given twice")


JobSecrets = Annotated[tuple[JobSecret, ...], Field(max_length=MAX_SECRETS)]
