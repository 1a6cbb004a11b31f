"""The document that gateways serve from: endpoints with their bundles and prices, and tokens."""

from __future__ import annotations

from pileus.core.clock import Clock
from pileus.core.schemas.serving import Endpoint, Route, RoutePrice, Routes, RouteToken
from pileus.jobs.waking import look, wait_for_news
from pileus.metering.store import prices
from pileus.registry.store import model_versions
from pileus.security.keyring import shredded_projects
from pileus.security.store import principals, tokens
from pileus.serving.store import endpoints, revisions
from pileus.storage.database import Database
from pileus.storage.transaction import Change, Snapshot

_NOUNS = {"endpoint", "revision", "token", "principal", "project_key"}


class RouteService:
    """Answers gateways: the whole document, whenever something in it has changed."""

    def __init__(self, database: Database, clock: Clock, token_key: bytes) -> None:
        self._database = database
        self._clock = clock
        self._token_key = token_key
        self._read_to: int | None = None
        """How far this process has read the feed. A gateway asks with the `seq` of its document,
        which may be days old; nobody reads those days again for each question."""

        self._changed_at = 0
        """A `seq` from which on, up to `_read_to`, nothing of ours has changed."""

    async def routes(self, after: int, wait_seconds: float) -> Routes | None:
        """The document if it is newer than `after`; None when nothing changed for a while."""
        deadline = self._clock.monotonic() + wait_seconds
        while True:
            read_to = await self._read_feed(after)
            if after < self._changed_at or after > read_to or after == 0:
                # Beyond the feed's end: the gateway's cache is of another database.
                return await self._database.read(self._document)
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return None
            await wait_for_news(self._database, self._clock, read_to, _is_news, left)

    async def _read_feed(self, at_least: int) -> int:
        if self._read_to is None:
            self._read_to = await self._database.read(lambda snapshot: snapshot.last_change())
            self._changed_at = self._read_to
            return self._read_to
        end, changed = await look(self._database, self._read_to, _is_news, at_least)
        if changed:
            self._changed_at = max(self._changed_at, end)
        self._read_to = max(self._read_to, end)
        return self._read_to

    def _document(self, snapshot: Snapshot) -> Routes:
        shredded = shredded_projects(snapshot)  # a gateway drops what it holds of their models
        return Routes(
            seq=snapshot.last_change(),
            token_key=self._token_key.hex(),
            endpoints=tuple(
                route
                for endpoint in endpoints.find(snapshot, order=["id"])
                if endpoint.project not in shredded
                and (route := _route(snapshot, endpoint)) is not None
            ),
            tokens=tuple(_tokens(snapshot)),
        )


def _is_news(change: Change) -> bool:
    return change.noun in _NOUNS


def _route(snapshot: Snapshot, endpoint: Endpoint) -> Route | None:
    revision = revisions.get(snapshot, id=endpoint.revision)
    if revision is None:
        return None
    version = model_versions.get(snapshot, id=revision.model_version)
    price = prices.get(snapshot, id=revision.price)
    if version is None or price is None:
        return None
    return Route(
        project=endpoint.project,
        name=endpoint.name,
        endpoint=endpoint.id,
        revision=revision.id,
        number=revision.number,
        model=version.model,
        model_version=version.number,
        model_version_id=version.id,
        bundle=version.bundle,
        price=RoutePrice(id=price.id, micro=price.micro, exponent=price.exponent),
    )


def _tokens(snapshot: Snapshot) -> list[RouteToken]:
    enabled = {p.id: p for p in principals.find(snapshot, [("disabled", "=", False)])}
    return [
        RouteToken(
            id=token.id,
            hash=token.hash,
            project=token.project,
            principal=token.principal,
            role=enabled[token.principal].role,
            expires_at=token.expires_at.isoformat() if token.expires_at else None,
            is_operator=enabled[token.principal].is_operator,
        )
        for token in tokens.find(snapshot, [("revoked_at", "=", None)], order=["id"])
        if token.principal in enabled
    ]
