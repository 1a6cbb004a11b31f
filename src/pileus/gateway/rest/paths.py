"""Finds the route of a method and path."""

from __future__ import annotations

from collections.abc import Iterable

from pileus.gateway.errors import MethodUnknown, PathUnknown
from pileus.gateway.rest.table import RestRoute

_REMEMBERED = 4096

Found = tuple[RestRoute, dict[str, str]]


class Paths:
    """A table of routes, searched once per distinct path."""

    def __init__(self, routes: Iterable[RestRoute]) -> None:
        self._routes = [(_segments(route.pattern), route) for route in routes]
        self._found: dict[tuple[str, str], Found] = {}

    def find(self, method: str, path: str) -> Found:
        """The route and what its pattern captured. Raises PathUnknown or MethodUnknown."""
        found = self._found.get((method, path))
        if found is None:
            found = self._search(method, path)
            # Forgotten all at once: an attacker's paths must not fill the memory.
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[(method, path)] = found
        return found

    def _search(self, method: str, path: str) -> Found:
        segments = _segments(path)
        others: list[str] = []
        for pattern, route in self._routes:
            captured = _match(pattern, segments)
            if captured is None:
                continue
            if route.method == method:
                return route, captured
            others.append(route.method)
        if others:
            raise MethodUnknown(
                f"{path!r} does not take {method!r}", hint=f"It takes {', '.join(others)}."
            )
        raise PathUnknown(
            f"The gateway has no path {path[:200]!r}",
            hint="Predictions go to POST /v2/models/{endpoint}/infer.",
        )


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    captured: dict[str, str] = {}
    for expected, segment in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not segment:
                return None
            captured[expected[1:-1]] = segment
        elif expected != segment:
            return None
    return captured
