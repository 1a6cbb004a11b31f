"""The three ways of asking, and who is asked in each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving import load
from benchmarks.serving.bodies import (
    JSON_LENGTH,
    binary,
    grpc_frame,
    grpc_request,
    open_inference,
)
from benchmarks.serving.calls import call_grpc, call_http
from benchmarks.serving.contenders import JSON_HEADERS, PROTOTYPE, Peer
from benchmarks.serving.load import Load, Target
from benchmarks.serving.model import Graph
from benchmarks.serving.protocol import METHOD

GRPC_HEADERS = {"content-type": "application/grpc", "te": "trailers"}


@dataclass(frozen=True)
class Part:
    """How it is loaded, how one call is made, and what a request to Pileus is."""

    name: str
    tool: str
    load: Callable[[Target, Path, float, int], Load]
    call: Callable[[Target, Graph], bytes]
    request: Callable[[str, Graph, str], Target]
    """From a base address, a graph and the endpoint that serves it."""


def _json(base: str, graph: Graph, endpoint: str) -> Target:
    return Target(f"{base}/v2/models/{endpoint}/infer", JSON_HEADERS, open_inference(graph))


def _binary(base: str, graph: Graph, endpoint: str) -> Target:
    body, length = binary(graph)
    return Target(f"{base}/v2/models/{endpoint}/infer", binary_headers(length), body)


def _grpc(base: str, graph: Graph, endpoint: str) -> Target:
    return Target(f"{base}{METHOD}", GRPC_HEADERS, grpc_frame(grpc_request(graph, endpoint)))


def binary_headers(length: int) -> dict[str, str]:
    """Of a body whose first `length` bytes are JSON."""
    return {"Content-Type": "application/octet-stream", JSON_LENGTH: str(length)}


PARTS = {
    part.name: part
    for part in (
        Part("json", "wrk", load.wrk, call_http, _json),
        Part("binary", "wrk", load.wrk, call_http, _binary),
        Part("grpc", "h2load", load.h2load, call_grpc, _grpc),
    )
}


def binary_peers(graph: Graph) -> tuple[Peer, ...]:
    """The prototype that reads raw data; it needs to be told where that begins."""
    words = tuple(word.replace(":read_json", ":read_binary") for word in PROTOTYPE.words)
    return (
        Peer(
            PROTOTYPE.name,
            words,
            "/",
            body=lambda graph: binary(graph)[0],
            headers=binary_headers(binary(graph)[1]),
        ),
    )


def grpc_peers() -> tuple[Peer, ...]:
    """What protobuf and grpc.aio cost by themselves, the graph included."""
    return (
        Peer(
            "grpc.aio",
            ("-m", "benchmarks.serving.peers.grpc_app", "PORT"),
            METHOD,
            body=lambda graph: grpc_frame(grpc_request(graph, "m")),
            headers=GRPC_HEADERS,
            call=call_grpc,
        ),
    )
