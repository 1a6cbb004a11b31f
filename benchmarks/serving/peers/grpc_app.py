"""The same over gRPC: grpc.aio, protobuf, raw contents in and out. Its port is the first argument."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc
import numpy as np

from benchmarks.serving.peers.graph import open_graph
from benchmarks.serving.protocol import METHOD, message

_Request, _Response = message("ModelInferRequest"), message("ModelInferResponse")


class Service(grpc.GenericRpcHandler):
    """One method of the protocol."""

    def __init__(self) -> None:
        self._run = open_graph()
        self._method = grpc.unary_unary_rpc_method_handler(
            self._infer,
            request_deserializer=_Request.FromString,
            response_serializer=_Response.SerializeToString,
        )

    def service(self, handler_call_details: Any) -> Any:  # noqa: ANN401  grpc has no types
        return self._method if handler_call_details.method == METHOD else None

    async def _infer(self, request: Any, _: Any) -> Any:  # noqa: ANN401  see above
        shape = tuple(request.inputs[0].shape)
        rows = np.frombuffer(request.raw_input_contents[0], dtype="<f4").reshape(shape)
        probabilities = self._run(rows)
        response = _Response(
            model_name=request.model_name, raw_output_contents=[probabilities.tobytes()]
        )
        response.outputs.add(name="probs", datatype="FP32", shape=probabilities.shape)
        return response


async def _serve(port: int) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Service(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
