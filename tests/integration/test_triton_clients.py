"""Unmodified clients of Triton Inference Server against a gateway: http and grpc, both also with asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from operator import methodcaller
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from google.protobuf.json_format import MessageToDict
from tritonclient.utils import InferenceServerException

from pileus.inference.datatypes import DATATYPES
from tests.unit.gateway.conftest import Running, link, start
from tests.unit.gateway.installation import DEVELOPER, VIEWER, FakeLink, free_port, route, routes
from tests.unit.inference.graphs import write_echo_bundle, write_rows_bundle

__all__ = ["link", "start"]

FEATURES = np.array([[9, 0, 0], [0, 0, 5]], np.float32)

VALUES: dict[str, list[Any]] = {
    "BOOL": [True, False],
    "UINT64": [0, 2**64 - 1],
    "INT64": [-(2**63), 2**63 - 1],
    "INT8": [-128, 127],
    "FP16": [0.5, -65504.0],
    "BF16": [0.5, -2.0],
    "FP32": [0.1, -3e38],
    "FP64": [0.1, -1e308],
    "BYTES": ["é\n", ""],
}


class Grpc:
    """tritonclient.grpc."""

    api: ModuleType = tritonclient.grpc
    aio: ModuleType = tritonclient.grpc.aio

    def __init__(self, gateway: Gateway) -> None:
        self.address = f"127.0.0.1:{gateway.grpc_port}"
        self.json: dict[str, Any] = {}
        self.is_json = False


class Http:
    """tritonclient.http, with the data raw or in JSON."""

    api: ModuleType = tritonclient.http
    aio: ModuleType = tritonclient.http.aio

    def __init__(self, gateway: Gateway, *, is_json: bool) -> None:
        self.address = f"127.0.0.1:{gateway.port}"
        self.is_json = is_json
        self.json = {"binary_data": False} if is_json else {}


class Gateway:
    """One gateway with endpoints, and how each client reaches it."""

    def __init__(self, running: Running, port: int, grpc_port: int) -> None:
        self.running = running
        self.port = port
        self.grpc_port = grpc_port

    def transports(self) -> Iterator[Grpc | Http]:
        yield Grpc(self)
        yield Http(self, is_json=False)
        yield Http(self, is_json=True)


@pytest.fixture
async def gateway(tmp_path: Path, link: FakeLink, start: Callable[..., Running]) -> Gateway:
    endpoints = [route(link.hold(write_rows_bundle(tmp_path / "rows")))]
    for datatype in DATATYPES:
        made = link.hold(write_echo_bundle(tmp_path / datatype, datatype))
        endpoints.append(route(made, datatype.lower(), endpoint=f"end_{datatype}"))
    link.document = routes(*endpoints)
    port, grpc_port = free_port(), free_port()
    running = start(port=port, grpc=True, grpc_port=grpc_port)
    for endpoint in endpoints:
        await running.until_answers(f"/v2/models/{endpoint.name}/ready")
    return Gateway(running, port, grpc_port)


def sent(transport: Grpc | Http, name: str, array: np.ndarray[Any, Any], datatype: str) -> Any:
    tensor = transport.api.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, **transport.json)
    return tensor


def wanted(transport: Grpc | Http, name: str, **more: Any) -> Any:
    return transport.api.InferRequestedOutput(name, **transport.json, **more)


async def both_ways(transport: Grpc | Http, scenario: Callable[[Any], Any]) -> list[Any]:
    """What a scenario gives with the blocking client, in a thread, and with the one of asyncio."""

    def blocking() -> Any:
        with transport.api.InferenceServerClient(transport.address) as client:
            return scenario(client)

    results = [await asyncio.to_thread(blocking)]
    async with transport.aio.InferenceServerClient(transport.address) as client:
        results.append(await scenario(client))
    return results


async def test_every_datatype_comes_back_as_it_went(gateway: Gateway) -> None:
    for transport in gateway.transports():
        for datatype in DATATYPES:
            if transport.is_json and datatype in {"FP16", "BF16"}:
                continue  # these clients send them raw only
            kind = DATATYPES[datatype].numpy
            array = np.array([VALUES.get(datatype, [1, 100])], kind)
            ask = partial(
                infer,
                model=datatype.lower(),
                inputs=[sent(transport, "x", array, datatype)],
                outputs=[wanted(transport, "y")],
            )

            for result in await both_ways(transport, ask):
                back = result.as_numpy("y")
                if datatype == "BYTES":
                    strings = [x if isinstance(x, str) else x.decode() for x in back.ravel()]
                    assert strings == VALUES["BYTES"]
                else:
                    assert back.dtype == kind
                    assert back.tolist() == array.tolist(), (datatype, transport)


def headers(token: str = DEVELOPER) -> dict[str, str]:
    """New each time: these clients add to what they are given."""
    return {"authorization": f"Bearer {token}"}


def infer(client: Any, model: str, inputs: list[Any], **more: Any) -> Any:
    return client.infer(model, inputs, headers=headers(), **more)


async def test_ids_versions_and_all_outputs(gateway: Gateway) -> None:
    for transport in gateway.transports():
        inputs = [sent(transport, "features", FEATURES, "FP32")]
        ask = partial(infer, model="flowers", inputs=inputs, request_id="mine", model_version="1")

        for result in await both_ways(transport, ask):
            response = result.get_response()
            told = (
                response
                if isinstance(response, dict)
                else MessageToDict(response, preserving_proto_field_name=True)
            )
            assert told["id"] == "mine"
            assert told["model_name"] == "flowers"
            assert told["model_version"] == "1"
            assert result.as_numpy("class_index").tolist() == [0, 2]
            assert result.as_numpy("label").tolist() in (
                [b"small", b"large"],
                ["small", "large"],
            )


async def test_classes_in_place_of_scores(gateway: Gateway) -> None:
    for transport in gateway.transports():
        ask = partial(
            infer,
            model="flowers",
            inputs=[sent(transport, "features", FEATURES, "FP32")],
            outputs=[wanted(transport, "probabilities", class_count=2)],
        )

        for result in await both_ways(transport, ask):
            best = result.as_numpy("probabilities")
            texts = [x if isinstance(x, str) else x.decode() for x in best.ravel()]
            assert best.shape == (2, 2)
            assert [text.split(":")[1:] for text in texts[::2]] == [["0", "small"], ["2", "large"]]
            assert float(texts[0].split(":")[0]) > 0.99


async def test_compressed_requests(gateway: Gateway) -> None:
    transport = Http(gateway, is_json=False)
    inputs = [sent(transport, "features", FEATURES, "FP32")]
    for algorithm in ("gzip", "deflate"):
        ask = partial(
            infer,
            model="flowers",
            inputs=inputs,
            request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
        )

        for result in await both_ways(transport, ask):
            assert result.as_numpy("class_index").tolist() == [0, 2]


async def test_health(gateway: Gateway) -> None:
    for transport in (Grpc(gateway), Http(gateway, is_json=False)):
        for name in ("is_server_live", "is_server_ready"):
            assert await both_ways(transport, methodcaller(name)) == [True] * 2
        ready = partial(asked, name="is_model_ready", words=("flowers",))
        assert await both_ways(transport, ready) == [True] * 2


async def test_metadata(gateway: Gateway) -> None:
    for transport in (Grpc(gateway), Http(gateway, is_json=False)):
        for server in await both_ways(transport, partial(asked, name="get_server_metadata")):
            told = fields_of(server)
            assert told["name"] == "pileus"
            assert "binary_tensor_data" in told["extensions"]
        ask = partial(asked, name="get_model_metadata", words=("flowers",))
        for model in await both_ways(transport, ask):
            told = fields_of(model)
            (features,) = told["inputs"]
            assert (features["name"], features["datatype"]) == ("features", "FP32")
            assert [int(size) for size in features["shape"]] == [-1, 3]
            names = [output["name"] for output in told["outputs"]]
            assert names == ["probabilities", "class_index", "label"]
        ask = partial(asked, name="get_model_repository_index")
        for index in await both_ways(transport, ask):
            models = index if isinstance(index, list) else fields_of(index)["models"]
            assert {model["state"] for model in models} == {"READY"}
            assert len(models) == len(DATATYPES) + 1


def asked(client: Any, name: str, words: tuple[str, ...] = ()) -> Any:
    return getattr(client, name)(*words, headers=headers())


def fields_of(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else MessageToDict(told)


@pytest.mark.parametrize(
    "token, model, array, status, said",
    [
        (DEVELOPER, "nothing", FEATURES, ("404", "NOT_FOUND"), "'nothing'"),
        (DEVELOPER, "flowers", FEATURES[:, :2], ("422", "INVALID_ARGUMENT"), "shape [2, 2]"),
        (VIEWER, "flowers", FEATURES, ("403", "PERMISSION_DENIED"), "viewer"),
        ("plt_nobody", "flowers", FEATURES, ("401", "UNAUTHENTICATED"), "token"),
    ],
)
async def test_an_error_tells_what_and_what_to_do(
    gateway: Gateway,
    token: str,
    model: str,
    array: np.ndarray[Any, Any],
    status: tuple[str, str],
    said: str,
) -> None:
    for transport in gateway.transports():
        inputs = [sent(transport, "features", array, "FP32")]

        def ask(client: Any, inputs: list[Any] = inputs) -> Any:
            return client.infer(model, inputs, headers=headers(token))

        with pytest.raises(InferenceServerException) as caught:
            await both_ways(transport, ask)
        told = caught.value
        code = told.status().removeprefix("StatusCode.")
        assert code == status[isinstance(transport, Grpc)]
        assert said in told.message(), told.message()
        assert said in str(told)


async def test_all_are_metered_alike(gateway: Gateway, link: FakeLink) -> None:
    for transport in gateway.transports():
        ask = partial(
            infer, model="flowers", inputs=[sent(transport, "features", FEATURES, "FP32")]
        )
        await both_ways(transport, ask)

    await gateway.running.end()

    assert link.totals() == (6, 12, 0)
    assert sum(content.count(b'"outcome":"ok"') for content in link.segments.values()) == 6
