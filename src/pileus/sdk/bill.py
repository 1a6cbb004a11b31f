"""What use cost: invoice, ledger entries, prices."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document, quoted


class Bill:
    """Money of a project, in micro-units of the installation's currency."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def invoice(self, since: str | None = None, until: str | None = None) -> Document:
        """The sum of the ledger over [since, until), ISO 8601 times."""
        return self._api.get(self._api.path("bill"), since=since, until=until)

    def ledger(self) -> Iterator[Document]:
        """Every ledger entry."""
        return self._api.items(self._api.path("ledger"))

    def set_price(self, resource: str, micro: int, exponent: int) -> Document:
        """`micro` micro-units for 10**`exponent` units of `resource`, from now on."""
        path = f"/api/v1/prices/{quoted(resource)}"
        return self._api.put(path, {"micro": micro, "exponent": exponent})

    def prices(self) -> Iterator[Document]:
        """Price of each resource."""
        return self._api.items("/api/v1/prices")
