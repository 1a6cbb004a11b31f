"""From a call to its reply: route, caller, role, answer; every error in its one shape."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pileus.core.errors import PileusError
from pileus.gateway.auth import is_token, require_operator, require_role
from pileus.gateway.rest.calls import REQUEST_IDS, Call, Reply, error_reply
from pileus.gateway.rest.paths import Paths
from pileus.gateway.rest.table import ROUTES, RestRoute

if TYPE_CHECKING:
    from pileus.gateway.state import LaneState

log = logging.getLogger(__name__)


class RestApplication:
    """The REST interface of one lane."""

    def __init__(self, state: LaneState) -> None:
        self._state = state
        self._paths = Paths(ROUTES)

    async def reply(self, call: Call) -> Reply:
        """Never raises, except ConnectionError when the client has gone."""
        request_id = call.request_id = call.given_request_id or self._state.new_request_id()
        figures = self._state.figures
        figures.in_flight += 1
        try:
            reply = await self._answer(call)
        except PileusError as error:
            figures.refused(error.code)
            reply = error_reply(error, request_id)
        except ConnectionError:
            raise
        except Exception:
            log.exception("internal error", extra={"request_id": request_id})
            reply = error_reply(PileusError("internal error"), request_id)
        finally:
            figures.in_flight -= 1
        reply.headers += [(name, request_id) for name in REQUEST_IDS]
        return reply

    async def _answer(self, call: Call) -> Reply:
        route, call.params = self._paths.find(call.method, call.path)
        if route.role is not None and not self._is_scrape(route, call):
            tokens = self._state.routes.tokens
            call.caller = tokens.authenticate(call.header("authorization"), self._state.clock.now())
            require_role(call.caller, route.role)
            if route.is_for_operators:
                require_operator(call.caller)
        return await route.answer(self._state, call)

    def _is_scrape(self, route: RestRoute, call: Call) -> bool:
        return route.is_for_operators and is_token(
            call.header("authorization"), self._state.scrape_token()
        )
