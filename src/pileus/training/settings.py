"""What an attempt's environment says about how to train: read here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pileus.core.settings import InvalidSettings

PREFIX = "PILEUS_ATTEMPT_"


class TrainingSettings(BaseModel):
    """How training uses the machine that the attempt was given."""

    model_config = ConfigDict(frozen=True)

    cpus: float | None = Field(default=None, gt=0)
    """Processors of the lease; all of the machine's when absent."""

    checkpoint_seconds: float = Field(default=30.0, ge=0)
    """A checkpoint is written when the last one is this old; 0 writes one after each batch."""

    @property
    def threads(self) -> int:
        """Threads that compute: whole processors, at least one."""
        available = os.cpu_count() or 1
        return available if self.cpus is None else max(1, min(int(self.cpus), available))


def load(environ: Mapping[str, str] | None = None) -> TrainingSettings:
    """The settings of this process. Raises InvalidSettings."""
    variables = os.environ if environ is None else environ
    fields = TrainingSettings.model_fields
    found = {name: variables.get(PREFIX + name.upper()) for name in fields}
    try:
        return TrainingSettings.model_validate({k: v for k, v in found.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise InvalidSettings(
            f"Environment variable {name!r} is {first['input']!r}: {first['msg']}",
            hint="Give a number, or leave it out for the default.",
        ) from error
