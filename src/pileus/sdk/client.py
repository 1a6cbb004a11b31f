"""The client: where to find the server, who asks, and the nouns."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pileus.core.errors import Unavailable
from pileus.sdk import home as homes
from pileus.sdk.api import Api, Document
from pileus.sdk.bill import Bill
from pileus.sdk.blobs import Blobs
from pileus.sdk.code import Code
from pileus.sdk.datasets import Datasets
from pileus.sdk.deleted import Deleted
from pileus.sdk.endpoints import Endpoints
from pileus.sdk.installation import Installation
from pileus.sdk.jobs import Jobs
from pileus.sdk.keys import Keys
from pileus.sdk.lineage import Lineage
from pileus.sdk.members import Members
from pileus.sdk.models import Models
from pileus.sdk.pipelines import Pipelines
from pileus.sdk.predictions import Predictions
from pileus.sdk.projects import Projects
from pileus.sdk.quotas import Quotas
from pileus.sdk.schedules import Schedules
from pileus.sdk.secrets import Secrets
from pileus.sdk.tokens import Tokens

if TYPE_CHECKING:
    import httpx


class Client:
    """A project of an installation, seen by the principal behind `token`.

    `gateway_url` is needed to predict; `patience_seconds` is how long a call is repeated while the
    server cannot be reached; `request_id`, if given, is that of every call and of the jobs that they
    submit; `home` is that of the installation, if it is on this machine: large files are left there.
    """

    def __init__(
        self,
        url: str,
        token: str,
        project: str = "default",
        *,
        gateway_url: str | None = None,
        patience_seconds: float = 10.0,
        transport: httpx.BaseTransport | None = None,
        request_id: str | None = None,
        home: Path | None = None,
    ) -> None:
        self.url = url
        self.gateway_url = gateway_url
        self.project = project
        self._api = Api(url, token, project, patience_seconds, transport, request_id=request_id)
        self._gateway = (
            None
            if gateway_url is None
            else Api(
                gateway_url, token, project, patience_seconds, transport, request_id=request_id
            )
        )
        self.bill = Bill(self._api)
        self.blobs = Blobs(self._api, home)
        self.code = Code(self._api)
        self.datasets = Datasets(self._api)
        self.deleted = Deleted(self._api)
        self.endpoints = Endpoints(self._api)
        self.installation = Installation(self._api)
        self.jobs = Jobs(self._api)
        self.pipelines = Pipelines(self._api)
        self.schedules = Schedules(self._api)
        self.keys = Keys(self._api)
        self.lineage = Lineage(self._api)
        self.members = Members(self._api)
        self.models = Models(self._api)
        self.projects = Projects(self._api)
        self.quotas = Quotas(self._api)
        self.secrets = Secrets(self._api)
        self.tokens = Tokens(self._api)

    @classmethod
    def from_home(
        cls,
        home: Path | str,
        project: str = "default",
        *,
        token: str | None = None,
        patience_seconds: float = 10.0,
        request_id: str | None = None,
    ) -> Client:
        """A client of the installation that runs in `home` on this machine. Raises Unavailable.

        `token` defaults to the one that the home keeps for `project`.
        """
        home = Path(home).expanduser().absolute()
        urls = homes.addresses(home)
        return cls(
            urls["server"],
            token or homes.token_of(home, project),
            project,
            gateway_url=urls.get("gateway"),
            patience_seconds=patience_seconds,
            request_id=request_id,
            home=home,
        )

    @property
    def predictions(self) -> Predictions:
        """Asking endpoints. Raises Unavailable when the client was given no gateway."""
        if self._gateway is None:
            raise Unavailable(
                "The address of the gateway is not known",
                hint="Give gateway_url to the client, or use the home of an installation.",
            )
        return Predictions(self._api, self._gateway)

    def me(self) -> Document:
        """Project, principal and role behind the token."""
        return self._api.get("/api/v1/me")

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()
        if self._gateway is not None:
            self._gateway.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
