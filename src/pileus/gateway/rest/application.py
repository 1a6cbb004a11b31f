"""From a call to its reply: route, caller, role, answer; every error in its one shape."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pileus.core.errors import PileusError
from pileus.gateway.auth import require_role
from pileus.gateway.rest.calls import REQUEST_ID, Call, Reply, error_reply
from pileus.gateway.rest.paths import Paths
from pileus.gateway.rest.table import ROUTES

if TYPE_CHECKING:
    from pileus.gateway.rest.state import LaneState

log = logging.getLogger(__name__)


class RestApplication:
    """The REST interface of one lane."""

    def __init__(self, state: LaneState) -> None:
        self._state = state
        self._paths = Paths(ROUTES)

    async def reply(self, call: Call) -> Reply:
        """Never raises, except ConnectionError when the client has gone."""
        given = call.request_id
        try:
            reply = await self._answer(call)
        except PileusError as error:
            reply = error_reply(error, given or self._state.ids.new("req"))
        except ConnectionError:
            raise
        except Exception:
            request_id = given or self._state.ids.new("req")
            log.exception("internal error, request %s", request_id)
            reply = error_reply(PileusError("internal error"), request_id)
        if given is not None:
            reply.headers.append((REQUEST_ID, given))
        return reply

    async def _answer(self, call: Call) -> Reply:
        route, call.params = self._paths.find(call.method, call.path)
        if route.role is not None:
            tokens = self._state.routes.tokens
            call.caller = tokens.authenticate(call.header("authorization"), self._state.clock.now())
            require_role(call.caller, route.role)
        return await route.answer(self._state, call)
