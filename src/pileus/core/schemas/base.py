"""What every schema shares."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from pileus.core.names import check_name


class Schema(BaseModel):
    """A value: immutable, finite, and a mistyped field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Answer(BaseModel):
    """A value read from a peer that may be newer than we are: unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Row(Answer):
    """A noun of a project as stored: an id, the project it belongs to, a `rev`, a birth time."""

    id: str
    project: str
    rev: int = 1
    created_at: datetime


Name = Annotated[str, AfterValidator(check_name)]
"""A name a person chose, in the one grammar; NFC."""
