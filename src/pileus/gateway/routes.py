"""
What answers now: tokens and loaded revisions.

A revision becomes live only when its bundle is loaded, and the one before answers until then.
Deleted endpoints and revoked tokens are gone at once. `following.py` brings the news.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pileus.core.errors import PileusError, Unavailable
from pileus.core.schemas.serving import Route, Routes
from pileus.gateway.auth import TokenTable
from pileus.gateway.errors import NothingKnown, RevisionNotServed
from pileus.gateway.route_cache import CachedRoutes, RouteCache
from pileus.serving.errors import EndpointNotFound

if TYPE_CHECKING:
    from pileus.core.clock import Clock
    from pileus.gateway.bundles import BundleCache
    from pileus.gateway.link import ServerLink
    from pileus.inference.dataplane import ServedModel

log = logging.getLogger(__name__)

LoadModel = Callable[[Path], "ServedModel"]
Key = tuple[str, str]


class Live(NamedTuple):
    """A revision that answers."""

    route: Route
    model: ServedModel


class Known(NamedTuple):
    """An endpoint that the gateway has heard of."""

    name: str
    number: int
    """Of the revision that answers; of the one that should, where none does."""

    is_live: bool
    problem: str
    """Why it does not answer, where that is known."""


class LiveRoutes:
    """The gateway's view of the installation."""

    def __init__(
        self,
        cache: RouteCache,
        bundles: BundleCache,
        load: LoadModel,
        clock: Clock,
        stale_after: timedelta,
    ) -> None:
        self._cache = cache
        self._bundles = bundles
        self._load = load
        self._clock = clock
        self._stale_after = stale_after
        self._routes: Routes | None = None
        self._tokens: TokenTable | None = None
        self._live: dict[Key, Live] = {}
        self._wanted: dict[Key, Route] = {}
        self._problems: dict[Key, str] = {}
        self._contact: datetime | None = None
        self.failures = 0
        """Tries to load a revision that failed."""

        self.changed = asyncio.Event()
        """Set when there may be a bundle to load."""

    @property
    def is_known(self) -> bool:
        """There is something to serve from, be it old."""
        return self._routes is not None

    @property
    def seq(self) -> int:
        return self._routes.seq if self._routes is not None else 0

    @property
    def seconds_since_contact(self) -> float | None:
        if self._contact is None:
            return None
        return max(0.0, (self._clock.now() - self._contact).total_seconds())

    @property
    def is_stale(self) -> bool:
        """So long without the server that revoked tokens may still be accepted here."""
        seconds = self.seconds_since_contact
        return seconds is not None and seconds > self._stale_after.total_seconds()

    @property
    def live_count(self) -> int:
        return len(self._live)

    @property
    def wanted_count(self) -> int:
        return len(self._wanted)

    @property
    def endpoint_names(self) -> dict[str, str]:
        """Revision that answers → name of its endpoint."""
        return {live.route.revision: live.route.name for live in self._live.values()}

    @property
    def tokens(self) -> TokenTable:
        """Raises NothingKnown."""
        if self._tokens is None:
            raise NothingKnown(
                "The gateway does not know yet who may ask for what",
                hint="Start the server; the gateway learns the routes from it in seconds.",
            )
        return self._tokens

    def find(self, project: str, name: str, number: str | None = None) -> Live:
        """What answers for an endpoint. Raises NotFound, or Unavailable while it loads."""
        live = self._live.get((project, name))
        if live is None:
            raise self._absent(project, name)
        if number is not None and number != str(live.route.number):
            raise RevisionNotServed(
                f"Endpoint {name!r} does not serve revision {number!r}",
                hint=f"It serves revision {live.route.number}; leave the version out for that.",
            )
        return live

    def of_project(self, project: str) -> list[Known]:
        """The endpoints of a project, by name."""
        found = []
        for key, route in sorted(self._wanted.items()):
            if key[0] == project:
                live = self._live.get(key)
                number = route.number if live is None else live.route.number
                problem = self._problems.get(key, "") if live is None else ""
                found.append(Known(route.name, number, live is not None, problem))
        return found

    def start(self) -> None:
        """Serve what the cache holds."""
        found = self._cache.load()
        if found is None:
            return
        cached, self._contact = found
        self._take(cached.routes)
        before = {(route.project, route.name): route for route in cached.live}
        for key, route in self._wanted.items():
            previous = before.get(key)
            candidates = [route]
            if previous is not None and previous.endpoint == route.endpoint:
                candidates.append(previous)
            self._activate_first(key, candidates)
        self.changed.set()

    def heard(self, routes: Routes | None) -> None:
        """The server answered: with other routes, or None for no news."""
        if routes is not None:
            self._take(routes)
        self._contact = self._clock.now()
        if routes is None:
            self._cache.touch(self._contact)
            return
        self._save()
        self.changed.set()

    async def load_missing(self, link: ServerLink) -> bool:
        """Load the wanted revisions that are not live; True when all of them are now."""
        self.changed.clear()
        for key, route in list(self._wanted.items()):
            live = self._live.get(key)
            if live is not None and live.route.revision == route.revision:
                continue
            try:
                directory = await self._bundles.fetch(route, link)
                model = await asyncio.to_thread(self._load, directory)
            except Exception as error:  # noqa: BLE001  one bundle must not stop the others
                self._note_problem(key, route, error)
                continue
            if self._wanted.get(key) == route:
                self._activate(key, Live(route, model))
        self._bundles.keep_only([*self._wanted.values(), *(o.route for o in self._live.values())])
        return all(
            key in self._live and self._live[key].route.revision == route.revision
            for key, route in self._wanted.items()
        )

    def _take(self, routes: Routes) -> None:
        self._tokens = TokenTable(bytes.fromhex(routes.token_key), routes.tokens)
        self._routes = routes
        self._wanted = {(route.project, route.name): route for route in routes.endpoints}
        for key, live in list(self._live.items()):
            route = self._wanted.get(key)
            if route is None or route.endpoint != live.route.endpoint:
                del self._live[key]
            elif route.revision == live.route.revision:
                self._live[key] = Live(route, live.model)

    def _activate_first(self, key: Key, candidates: list[Route]) -> None:
        for route in candidates:
            if not self._bundles.has(route):
                continue
            try:
                if self._bundles.is_intact(route):
                    self._live[key] = Live(route, self._load(self._bundles.directory_of(route)))
                    return
            except Exception as error:  # noqa: BLE001  one bundle must not stop the others
                self._note_problem(key, route, error)

    def _note_problem(self, key: Key, route: Route, error: Exception) -> None:
        self.failures += 1
        is_bug = not isinstance(error, PileusError | OSError)
        self._problems[key] = "internal error" if is_bug else str(error)
        log.warning(
            "revision %s of %r is not live: %s",
            route.number,
            route.name,
            error,
            exc_info=error if is_bug else None,
        )

    def _activate(self, key: Key, live: Live) -> None:
        self._live[key] = live
        self._problems.pop(key, None)
        log.info("revision %s of %r is live", live.route.number, live.route.name)
        self._save()

    def _save(self) -> None:
        if self._routes is not None and self._contact is not None:
            live = tuple(live.route for live in self._live.values())
            self._cache.save(CachedRoutes(routes=self._routes, live=live), self._contact)

    def _absent(self, project: str, name: str) -> PileusError:
        key = (project, name)
        if key not in self._wanted:
            return EndpointNotFound(name)
        problem = self._problems.get(key)
        reason = f": {problem}" if problem else ""
        return Unavailable(
            f"Endpoint {name!r} is not loaded in this gateway yet{reason}",
            hint="Try again in a few seconds.",
        )
