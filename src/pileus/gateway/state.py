"""What the requests of a lane work with, over REST and gRPC alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pileus.core.request_ids import PREFIX
from pileus.gateway.accounts import Accounts
from pileus.gateway.figures import Figures
from pileus.gateway.sparingly import Sparingly

if TYPE_CHECKING:
    from pileus.core.clock import Clock
    from pileus.core.figures import Reading
    from pileus.core.ids import Ids
    from pileus.gateway.meters import Meters
    from pileus.gateway.objects import AllowedObjects
    from pileus.gateway.records import Records
    from pileus.gateway.routes import LiveRoutes


@dataclass(slots=True)
class LaneState:
    """The collaborators of one lane."""

    routes: LiveRoutes
    meters: Meters
    records: Records
    clock: Clock
    ids: Ids
    objects: AllowedObjects
    max_body_bytes: int = 64 << 20
    """A larger request is refused."""

    readings: Callable[[], list[Reading]] = list
    """Figures of the lane, for `/metrics`."""

    scrape_token: Callable[[], str | None] = lambda: None
    """The token that may read them and nothing else, if there is one."""

    figures: Figures = field(default_factory=Figures)
    accounts: Accounts = field(init=False)
    prediction_log: Sparingly = field(default_factory=Sparingly)
    is_draining: bool = False
    _request_prefix: str = ""
    _requests: int = 0

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.meters)

    @property
    def is_ready(self) -> bool:
        """Requests are answered."""
        return self.routes.is_known and not self.is_draining

    def new_request_id(self) -> str:
        """An id for a request that came without: one of this lane's, and a number.

        A new id each time would cost more than all else that is done for a header.
        """
        if not self._requests:
            self._request_prefix = self.ids.new(PREFIX)
        self._requests += 1
        return f"{self._request_prefix}.{self._requests}"
