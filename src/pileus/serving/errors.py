"""Errors of serving."""

from pileus.core.errors import Conflict, InvalidRequest, NotFound


class EndpointNotFound(NotFound, code="endpoint_not_found"):
    """No endpoint of that name in the project."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Endpoint {name!r} not found", hint="List endpoints with `pileus endpoint list`."
        )


class EndpointExists(Conflict, code="endpoint_exists"):
    """An endpoint of that name is there already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Endpoint {name!r} exists already",
            hint=f"Change what it serves with `pileus endpoint update {name} --model MODEL:N`.",
        )


class PredictionNotFound(NotFound, code="prediction_not_found"):
    """No record of that prediction: not arrived yet, dropped on a full disk, or not ours."""

    def __init__(self, prediction: str) -> None:
        super().__init__(
            f"Prediction {prediction!r} not found",
            hint="A record arrives a second or two after the answer; then check the id.",
        )


class NoLineage(InvalidRequest, code="no_lineage"):
    """An id of a kind that has no lineage."""
