"""Endpoints and their revisions: what answers at which address, and at what price."""

from __future__ import annotations

from pileus.core.ids import NewId
from pileus.core.names import check_name
from pileus.core.schemas.serving import Endpoint, Revision
from pileus.core.schemas.tenancy import Caller
from pileus.metering.prices import current_price
from pileus.registry.store import resolve_model
from pileus.security.audit import AuditLog
from pileus.serving.errors import EndpointExists
from pileus.serving.store import endpoint_named, endpoints, revisions
from pileus.storage.database import Database
from pileus.storage.idempotency import Once
from pileus.storage.transaction import Transaction, Where


class EndpointService:
    """Stable addresses of a project."""

    def __init__(self, database: Database, new_id: NewId, audit: AuditLog) -> None:
        self._database = database
        self._new_id = new_id
        self._audit = audit

    async def create(self, caller: Caller, name: str, model: str, once: Once | None) -> Endpoint:
        """An address that serves a model version. Raises EndpointExists, ModelNotFound."""
        name = check_name(name, "endpoint")

        def work(transaction: Transaction) -> Endpoint:
            made = once.made(transaction, caller.project) if once else None
            if made is not None:
                return endpoint_named(transaction, caller.project, name)
            if endpoints.get(transaction, project=caller.project, name=name) is not None:
                raise EndpointExists(name)
            endpoint_id = self._new_id("end")
            revision = self._revise(transaction, caller, endpoint_id, 1, model)
            endpoint = endpoints.insert(
                transaction,
                Endpoint(
                    id=endpoint_id,
                    project=caller.project,
                    created_at=transaction.now,
                    name=name,
                    revision=revision.id,
                    number=1,
                ),
            )
            if once:
                once.remember(transaction, caller.project, endpoint.id)
            self._audit.append(
                transaction, caller, "create", "endpoint", endpoint.id, name=name, model=model
            )
            return endpoint

        return await self._database.write(work)

    async def revise(self, caller: Caller, name: str, model: str) -> Endpoint:
        """Serve another model version at the same address.

        Asking for what it serves already changes nothing. Raises EndpointNotFound, ModelNotFound.
        """

        def work(transaction: Transaction) -> Endpoint:
            endpoint = endpoint_named(transaction, caller.project, name)
            serving = revisions.get(transaction, id=endpoint.revision)
            version = resolve_model(transaction, caller.project, model)
            if serving is not None and serving.model_version == version.id:
                return endpoint
            last = revisions.find(
                transaction, [("endpoint", "=", endpoint.id)], order=["-number"], limit=1
            )
            revision = self._revise(transaction, caller, endpoint.id, last[0].number + 1, model)
            changed = endpoints.swap(
                transaction,
                endpoint.model_copy(update={"revision": revision.id, "number": revision.number}),
            )
            self._audit.append(transaction, caller, "revise", "endpoint", endpoint.id, model=model)
            return changed

        return await self._database.write(work)

    async def endpoints(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[Endpoint]:
        """Endpoints of a project, by id."""
        return await self._database.read(
            lambda snapshot: endpoints.find(
                snapshot, [("project", "=", project), *where], order=["id"], limit=limit
            )
        )

    async def endpoint(self, project: str, name: str) -> tuple[Endpoint, list[Revision]]:
        """An endpoint and its revisions, newest first. Raises EndpointNotFound."""
        return await self._database.read(
            lambda snapshot: (
                (found := endpoint_named(snapshot, project, name)),
                revisions.find(snapshot, [("endpoint", "=", found.id)], order=["-number"]),
            )
        )

    def _revise(
        self, transaction: Transaction, caller: Caller, endpoint: str, number: int, model: str
    ) -> Revision:
        version = resolve_model(transaction, caller.project, model)
        return revisions.insert(
            transaction,
            Revision(
                id=self._new_id("rvn"),
                project=caller.project,
                created_at=transaction.now,
                endpoint=endpoint,
                number=number,
                model=version.model,
                model_version=version.id,
                model_number=version.number,
                price=current_price(transaction, "prediction").id,
                created_by=caller.principal,
            ),
        )
