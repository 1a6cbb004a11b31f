"""One call of each kind, its answer looked at: a load of wrong answers would be measured in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from benchmarks.serving.bodies import is_grpc_answer, is_json_answer
from benchmarks.serving.processes import NotAnswering
from benchmarks.serving.protocol import METHOD

if TYPE_CHECKING:
    from benchmarks.serving.load import Target
    from benchmarks.serving.model import Graph

FRAME_HEAD = 5
"""Bytes of a gRPC frame before its message."""

_SECONDS = 10.0
_SHOWN = 500


def call_http(target: Target, graph: Graph | None) -> bytes:
    """The answer, which is the graph's unless that is None. Raises NotAnswering."""
    try:
        response = httpx.post(
            target.url, content=target.body, headers=dict(target.headers), timeout=_SECONDS
        )
    except httpx.TransportError as error:
        raise NotAnswering(f"{target.url}: {error!r}") from error
    if not response.is_success:
        raise NotAnswering(f"{target.url}: {response.status_code} {response.text[:_SHOWN]}")
    if graph is not None and not is_json_answer(graph, response.content):
        raise NotAnswering(f"{target.url} is not the graph's answer: {response.text[:_SHOWN]}")
    return response.content


def call_grpc(target: Target, graph: Graph) -> bytes:
    """The same over gRPC: here a grpc-status other than 0 is seen, which h2load does not look at."""
    import grpc  # of the benchmark's part with gRPC alone

    metadata = tuple((k, v) for k, v in target.headers.items() if k == "authorization")
    address = target.url.removeprefix("http://").removesuffix(METHOD)
    with grpc.insecure_channel(address) as channel:
        try:
            infer = channel.unary_unary(
                METHOD, request_serializer=bytes, response_deserializer=bytes
            )
            answer = infer(target.body[FRAME_HEAD:], metadata=metadata, timeout=_SECONDS)
        except grpc.RpcError as error:
            raise NotAnswering(f"{target.url}: {error.code()} {error.details()}") from error
    if not is_grpc_answer(graph, answer):
        raise NotAnswering(f"{target.url} is not the graph's answer: {answer[:_SHOWN]!r}")
    return answer
