"""Bearer tokens of all kinds become callers: people, attempts, and the installation's own."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum

from pileus.core.schemas.tenancy import Caller, Role
from pileus.jobs.store import attempts, leases
from pileus.security import tokens
from pileus.security.errors import TokenUnknown
from pileus.security.service import AccessService
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot


class Kind(StrEnum):
    """Whose token it is."""

    USER = "user"
    ATTEMPT = "attempt"
    WORKER = "worker"
    GATEWAY = "gateway"
    METRICS = "metrics"


@dataclass(frozen=True)
class Identity:
    """Who asks. `caller` is None for the installation's own processes."""

    kind: Kind
    caller: Caller | None = None
    job: str | None = None
    """For an attempt: the one job that its token is for."""


class Authentication:
    """Checks tokens."""

    def __init__(
        self,
        access: AccessService,
        database: Database,
        key: bytes,
        worker_token: str,
        gateway_token: str,
        metrics_token: str,
    ) -> None:
        self._access = access
        self._database = database
        self._key = key
        self._processes = {
            Kind.WORKER: worker_token,
            Kind.GATEWAY: gateway_token,
            Kind.METRICS: metrics_token,
        }

    async def identify(self, authorization: str | None) -> Identity:
        """Who sent this `Authorization` header. Raises TokenUnknown."""
        scheme, _, secret = (authorization or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret:
            raise TokenUnknown
        for kind, expected in self._processes.items():
            if hmac.compare_digest(secret.encode(), expected.encode()):
                return Identity(kind)
        if secret.startswith(f"{tokens.ATTEMPT}_"):
            return await self._attempt(secret)
        return Identity(Kind.USER, await self._access.authenticate(secret))

    async def _attempt(self, secret: str) -> Identity:
        attempt_id = secret.removeprefix(f"{tokens.ATTEMPT}_").partition(".")[0]

        def work(snapshot: Snapshot) -> Identity:
            attempt = attempts.get(snapshot, id=attempt_id)
            lease = leases.get(snapshot, attempt=attempt_id)
            if attempt is None or lease is None or lease.released_at is not None:
                raise TokenUnknown
            expected = tokens.attempt_token(self._key, attempt_id, lease.token)
            if not hmac.compare_digest(secret.encode(), expected.encode()):
                raise TokenUnknown
            caller = Caller(
                project=attempt.project,
                project_name="",
                principal=attempt_id,
                principal_name=attempt_id,
                role=Role.VIEWER,
                token=attempt_id,
            )
            return Identity(Kind.ATTEMPT, caller, job=attempt.job)

        return await self._database.glance(work)
