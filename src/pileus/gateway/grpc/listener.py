"""One lane's gRPC server: listens, authenticates, and turns every error into a status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from pileus.core.errors import PileusError
from pileus.core.request_ids import HEADER, OWN_HEADER, well_formed
from pileus.core.status import grpc_status
from pileus.gateway.auth import require_role
from pileus.gateway.errors import BodyUnreadable, PortTaken
from pileus.gateway.grpc.calls import CallFailed, RpcCall
from pileus.gateway.grpc.messages import SERVICE, message
from pileus.gateway.grpc.table import METHODS, RpcMethod
from pileus.inference.errors import DeadlineExceeded

if TYPE_CHECKING:
    from pileus.gateway.state import LaneState

log = logging.getLogger(__name__)

REQUEST_IDS = (HEADER.lower(), OWN_HEADER.lower())
ERROR_CODE = "pileus-error-code"

_STATUS = {status.value[0]: status for status in grpc.StatusCode}

# The families say most of it; gRPC has a status of its own for this one.
_OWN_STATUS: dict[type[PileusError], grpc.StatusCode] = {
    DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED
}

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler = Callable[[bytes, Context], Awaitable[bytes]]


class GrpcListener:
    """The service of one lane on a port of its own."""

    def __init__(self, state: LaneState, host: str, port: int) -> None:
        self._state = state
        self._host = host
        self._port = port
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", state.max_body_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # it would not notice another listener
            ]
        )
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            method.name: grpc.unary_unary_rpc_method_handler(self._handler(method))
            for method in METHODS
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, handlers),)
        )

    async def start(self) -> None:
        """Listen. Raises PortTaken."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        try:
            self._server.add_insecure_port(f"{host}:{self._port}")
        except RuntimeError as error:
            raise PortTaken(self._host, self._port, str(error), option="--grpc-port") from error
        await self._server.start()

    async def stop_after(self, stop: asyncio.Event, drain_seconds: float) -> None:
        """Answer until `stop`, then finish what is in flight."""
        try:
            await stop.wait()
        finally:
            await self._server.stop(drain_seconds)

    def _handler(self, method: RpcMethod) -> Handler:
        request_type = message(f"{method.name}Request")

        async def handle(body: bytes, context: Context) -> bytes:
            # Asked for once: each time it is made anew of what the library holds.
            metadata = dict(context.invocation_metadata() or ())
            call = RpcCall(self._request_id(metadata), len(body))
            result = await self._result(method, request_type, body, call, metadata)
            if isinstance(result, PileusError):
                call.trailers += [(name, call.request_id) for name in REQUEST_IDS]
                call.trailers.append((ERROR_CODE, result.code))
                status = _OWN_STATUS.get(type(result)) or _STATUS[grpc_status(result)]
                await context.abort(status, result.told(), tuple(call.trailers))
            return result

        return handle

    async def _result(
        self,
        method: RpcMethod,
        request_type: Any,  # noqa: ANN401  a class that protobuf made
        body: bytes,
        call: RpcCall,
        metadata: Mapping[str, str | bytes],
    ) -> bytes | PileusError:
        figures = self._state.figures
        figures.in_flight += 1
        try:
            return await self._answer(method, request_type, body, call, metadata)
        except CallFailed as failed:
            return failed.error
        except PileusError as error:
            figures.refused(error.code)
            return error
        except Exception:
            log.exception("internal error", extra={"request_id": call.request_id})
            return PileusError("internal error")
        finally:
            figures.in_flight -= 1

    async def _answer(
        self,
        method: RpcMethod,
        request_type: Any,  # noqa: ANN401  a class that protobuf made
        body: bytes,
        call: RpcCall,
        metadata: Mapping[str, str | bytes],
    ) -> bytes:
        if method.role is not None:
            authorization = _text(metadata, "authorization")
            call.owner = self._state.routes.tokens.authenticate(
                authorization, self._state.clock.now()
            )
            require_role(call.owner, method.role)
        try:
            request = request_type.FromString(body)
        except DecodeError as error:
            raise BodyUnreadable(
                f"The message is not a {method.name}Request: {error}",
                hint="Use the service definition of the Open Inference Protocol v2.",
            ) from error
        return await method.answer(self._state, call, request)

    def _request_id(self, metadata: Mapping[str, str | bytes]) -> str:
        for name in REQUEST_IDS:
            given = well_formed(_text(metadata, name))
            if given is not None:
                return given
        return self._state.new_request_id()


def _text(metadata: Mapping[str, str | bytes], name: str) -> str | None:
    value = metadata.get(name)
    return value if isinstance(value, str) else None
