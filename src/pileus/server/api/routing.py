"""How routes are declared: below one prefix, and analysed when they are first asked for.

FastAPI makes validators of a route's parameters, body and answer when it is declared, and again when
its router is included in an application: for all routes together the half of a server's start-up,
and most are never asked for in a day. Here a route knows its path and its methods until a request
or the description of the API (`/openapi.json`) wants more; a router's routes are its own,
with their whole path, so nothing includes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from fastapi import APIRouter, params
from fastapi.routing import APIRoute
from starlette.routing import compile_path

PREFIX = "/api/v1"


class LateRoute(APIRoute):
    """A route that is analysed when something but its path, methods and endpoint is looked at.

    What is wrong with its declaration is therefore found no earlier than by the first request, or by
    the test of the whole description.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Collection[str] | None = None,
        **options: Any,
    ) -> None:
        self.path = path
        self.endpoint = endpoint
        self.methods = {method.upper() for method in methods or ["GET"]}
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self._options: dict[str, Any] | None = options

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  Python asks it for what is not there yet
        options = self.__dict__.get("_options")
        if options is None:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        self._options = None
        super().__init__(self.path, self.endpoint, methods=self.methods, **options)
        return getattr(self, name)


def router(
    tag: str, *, prefix: str = PREFIX, dependencies: Sequence[params.Depends] = ()
) -> APIRouter:
    """A router of these routes; `dependencies` are checked before each of them."""
    return APIRouter(prefix=prefix, tags=[tag], dependencies=[*dependencies], route_class=LateRoute)
