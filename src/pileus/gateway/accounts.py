"""What is the same for all predictions of one token from one revision: their meter, and half their record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from pileus.gateway.meter_file import MeterKey

if TYPE_CHECKING:
    from pileus.core.schemas.serving import Route
    from pileus.gateway.auth import GatewayCaller
    from pileus.gateway.meters import Meters, Slot

_REMEMBERED = 4096


class Account(NamedTuple):
    """Where one token's use of one revision is counted, and what its records have in common."""

    slot: Slot
    constant: str
    """Fields of a record, as JSON without its braces."""


class Accounts:
    """The accounts of a lane, made when they are first used."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._accounts: dict[tuple[str, str], Account] = {}

    def of(self, route: Route, caller: GatewayCaller) -> Account:
        """The account of a token for a revision, whose price never changes. Raises MetersFull."""
        key = (route.revision, caller.token)
        account = self._accounts.get(key)
        if account is None:
            if len(self._accounts) >= _REMEMBERED:
                self._accounts.clear()
            account = self._accounts[key] = self._open(route, caller)
        return account

    def _open(self, route: Route, caller: GatewayCaller) -> Account:
        key = MeterKey(caller.project, caller.token, route.revision, route.price.id)
        fields = {
            "project": route.project,
            "endpoint": route.endpoint,
            "revision": route.revision,
            "model_version": route.model_version_id,
            "principal": caller.principal,
            "token": caller.token,
            "price": {"micro": route.price.micro, "exponent": route.price.exponent},
        }
        return Account(self._meters.slot(key), orjson.dumps(fields)[1:-1].decode())
