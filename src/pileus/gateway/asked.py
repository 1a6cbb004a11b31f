"""
One request that reached an endpoint, from its arrival to its record, whatever carried it.

Metered and recorded before the answer leaves; only what reached an endpoint is metered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from pileus.core.errors import PileusError
from pileus.core.failpoints import failpoint
from pileus.gateway.errors import BodyUnreadable

if TYPE_CHECKING:
    from pileus.gateway.auth import GatewayCaller
    from pileus.gateway.routes import Live
    from pileus.gateway.state import LaneState
    from pileus.inference.dataplane import Answer

log = logging.getLogger(__name__)

PREDICTION_ID = "pileus-prediction-id"
"""The header, or the trailer, that says under which id the record is kept."""

Result = TypeVar("Result")


class Asked:
    """What is counted and kept of one request."""

    __slots__ = (
        "_account",
        "_caller",
        "_live",
        "_request_id",
        "_started",
        "_state",
        "bytes_in",
        "expires_at",
    )

    def __init__(
        self, state: LaneState, live: Live, caller: GatewayCaller, request_id: str
    ) -> None:
        """Raises MetersFull."""
        self._account = state.accounts.of(live.route, caller)
        self._state = state
        self._live = live
        self._caller = caller
        self._request_id = request_id
        self._started = state.clock.monotonic()
        self.bytes_in = 0
        """Of the body, and of what was fetched for it."""

        self.expires_at: float | None = None
        """When nobody wants the answer any more, as a time of the event loop."""

    def expire_after(self, *microseconds: int | None) -> None:
        """The shortest of the times that the caller gave, from the request's arrival; 0 is none.

        Raises BodyUnreadable.
        """
        given = [one for one in microseconds if one]
        if not given:
            return
        if min(given) < 0:
            raise BodyUnreadable(
                f"The timeout is {min(given)}", hint="It is a number of microseconds."
            )
        passed = self._state.clock.monotonic() - self._started
        self.expires_at = asyncio.get_running_loop().time() + min(given) / 1e6 - passed

    async def result(self, computing: Awaitable[Result]) -> Result | PileusError:
        """What comes out, or the error that its caller gets. Raises ConnectionError alone."""
        try:
            return await computing
        except PileusError as error:
            return error
        except ConnectionError:
            raise  # the client is gone: nobody to answer
        except Exception:
            route = self._live.route
            log.exception(
                "internal error while predicting with revision %s",
                route.revision,
                extra={"request_id": self._request_id, "project": route.project},
            )
            return PileusError("internal error")

    def next_id(self) -> str:
        """The prediction's id. Nothing may wait until `finish`, so that no other comes between."""
        return self._state.records.next_id(self._caller.project)

    def finish(self, prediction: str, result: Answer | PileusError, bytes_out: int) -> None:
        """Meter and record, just before the answer leaves."""
        state, route = self._state, self._live.route
        if isinstance(result, PileusError):
            outcome, rows, batch = result.code, 0, 0
        else:
            outcome, rows, batch = "ok", result.rows, result.batch
        self._account.slot.advance(
            predictions=rows,
            bytes_in=self.bytes_in,
            bytes_out=bytes_out,
            errors=0 if outcome == "ok" else 1,
        )
        failpoint("prediction.metered")
        elapsed = state.clock.monotonic() - self._started
        # Put together as text: nothing that varies needs escaping, and each prediction has one.
        record = (
            f'{{"id":"{prediction}","request_id":"{self._request_id}"'
            f',"at":"{state.clock.now().isoformat()}",{self._account.constant}'
            f',"outcome":"{outcome}","latency_us":{round(elapsed * 1e6)}'
            f',"batch":{batch},"rows":{rows},"bytes_in":{self.bytes_in},"bytes_out":{bytes_out}}}'
        )
        state.records.append(self._caller.project, record.encode())
        failpoint("prediction.recorded")
        state.figures.predicted(route.revision, outcome, elapsed, batch)
        if state.prediction_log.may():
            log.info(
                "%s by %r revision %d: %s in %.1f ms",
                *(prediction, route.name, route.number, outcome, elapsed * 1000),
                extra={"request_id": self._request_id, "project": route.project},
            )
