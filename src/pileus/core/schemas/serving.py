"""Endpoints, revisions and what a prediction leaves behind."""

from __future__ import annotations

from pydantic import Field

from pileus.core.schemas.base import Answer, Row
from pileus.core.schemas.registry import BundleFile


class Endpoint(Row):
    """A stable address."""

    name: str
    revision: str
    """Id of the revision that answers."""

    number: int
    """Its number, from 1."""


class Revision(Row):
    """One immutable thing that an endpoint can serve."""

    endpoint: str
    number: int
    model: str
    model_version: str
    model_number: int
    price: str
    """Price of a prediction, frozen when the revision was made."""

    created_by: str


class RoutePrice(Answer):
    """Price of one prediction: `micro` micro-units per 10**`exponent` predictions."""

    id: str
    micro: int
    exponent: int


class Route(Answer):
    """What a gateway needs to serve one endpoint."""

    project: str
    name: str
    endpoint: str
    revision: str
    number: int
    model: str
    model_version: int
    model_version_id: str
    bundle: tuple[BundleFile, ...]
    price: RoutePrice


class RouteToken(Answer):
    """A token as a gateway checks it."""

    id: str
    hash: str
    project: str
    principal: str
    role: str
    expires_at: str | None
    is_operator: bool = False


class Routes(Answer):
    """The document a gateway keeps in its own cache."""

    schema_: int = Field(default=1, alias="schema")
    seq: int
    token_key: str
    endpoints: tuple[Route, ...]
    tokens: tuple[RouteToken, ...]

    model_config = Answer.model_config | {"populate_by_name": True, "serialize_by_alias": True}
