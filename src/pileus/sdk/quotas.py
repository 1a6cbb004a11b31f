"""Quotas: what projects may hold at once."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document, quoted

_PATH = "/api/v1/quotas"


class Quotas:
    """Quotas that the token may see; only an operator may change them."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[Document]:
        """Quotas, with what is used and borrowed of each resource."""
        return self._api.items(_PATH)

    def set(self, project: str, terms: Document) -> Document:
        """The quota of `project` from now on; `terms` as in `core.schemas.quota.QuotaTerms`."""
        return self._api.put(f"{_PATH}/{quoted(project)}", terms)

    def remove(self, project: str) -> None:
        """`project` is not limited any more."""
        self._api.call("DELETE", f"{_PATH}/{quoted(project)}")
