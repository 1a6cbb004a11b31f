import asyncio
import json
import logging
from typing import Any

import grpc
import pytest

from pileus.core.schemas.tenancy import Role
from pileus.gateway.errors import PortTaken
from pileus.gateway.grpc.messages import SERVICE, message
from pileus.gateway.grpc.table import METHODS
from pileus.inference.dataplane import infer
from tests.unit.gateway.conftest import Running
from tests.unit.gateway.installation import (
    EXPIRED,
    FakeLink,
    free_port,
    route,
    routes,
    token,
)
from tests.unit.inference.graphs import write_image_bundle, write_rows_bundle

ANONYMOUS = {"ServerLive", "ServerReady"}


class Service:
    """Calls of a channel, by the name of their method."""

    def __init__(self, running: Running, link: FakeLink, port: int) -> None:
        self.running = running
        self.link = link
        self.port = port
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")

    async def call(self, name, body=None, bearer="plt_admin", **metadata):
        """The answer. Raises grpc.aio.AioRpcError."""
        content = body if isinstance(body, bytes) else (body or request(name)).SerializeToString()
        if bearer:
            metadata["authorization"] = f"Bearer {bearer}"
        pairs = [(key.replace("_", "-"), value) for key, value in metadata.items()]
        method: Any = self.channel.unary_unary(f"/{SERVICE}/{name}")
        return message(f"{name}Response").FromString(await method(content, metadata=pairs))

    async def refused(self, *arguments, **more) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.call(*arguments, **more)
        return caught.value


def request(name):
    """One that the method of this name answers."""
    made = message(f"{name}Request")()
    if name == "ModelInfer":
        made.model_name = "flowers"
        tensor = made.inputs.add(name="features", datatype="FP32", shape=[1, 3])
        tensor.contents.fp32_contents.extend([0, 0, 9])
    elif name.startswith("Model"):
        made.name = "flowers"
    return made


@pytest.fixture
async def service(tmp_path, link, start):
    flowers = route(link.hold(write_rows_bundle(tmp_path / "made")))
    grey = route(link.hold(write_image_bundle(tmp_path / "grey")), "grey", endpoint="end_b")
    tokens = [
        *(token(f"plt_{role.value}", "prj_a", role.value) for role in Role),
        token("plt_stranger", "prj_b", "admin"),
        token(EXPIRED, "prj_a", "admin", "2020-01-01T00:00:00+00:00"),
    ]
    link.document = routes(flowers, grey, tokens=tokens)
    port = free_port()
    running = start(grpc=True, grpc_port=port, max_body_mib=1)
    for name in ("flowers", "grey"):
        await running.until_answers(f"/v2/models/{name}/ready")
    made = Service(running, link, port)
    yield made
    await made.channel.close()


class TestAccess:
    def test_only_health_is_anonymous(self):
        assert {method.name for method in METHODS if method.role is None} == ANONYMOUS

    @pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
    async def test_a_role_opens_what_it_includes_and_nothing_else(self, service, method):
        for role in Role:
            if method.role is None or role.includes(method.role):
                await service.call(method.name, bearer=f"plt_{role.value}")
            else:
                refused = await service.refused(method.name, bearer=f"plt_{role.value}")
                assert refused.code() is grpc.StatusCode.PERMISSION_DENIED

    @pytest.mark.parametrize("bearer", [None, "plt_nobody", EXPIRED])
    @pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
    async def test_who_proves_nothing_sees_health_only(self, service, method, bearer):
        if method.role is None:
            await service.call(method.name, bearer=bearer)
        else:
            refused = await service.refused(method.name, bearer=bearer)
            assert refused.code() is grpc.StatusCode.UNAUTHENTICATED

    async def test_another_project_sees_nothing(self, service):
        for name in ("ModelReady", "ModelMetadata", "ModelInfer"):
            refused = await service.refused(name, bearer="plt_stranger")
            assert refused.code() is grpc.StatusCode.NOT_FOUND
        index = await service.call("RepositoryIndex", bearer="plt_stranger")
        assert not index.models


class TestInfer:
    async def test_an_answer_and_its_record(self, service):
        answer = await service.call("ModelInfer", x_request_id="mine")

        label = answer.outputs[2]
        assert (label.name, list(label.contents.bytes_contents)) == ("label", [b"large"])
        await service.running.end()
        (content,) = service.link.segments.values()
        record = json.loads(content)
        assert record["id"] == answer.parameters["prediction_id"].string_param
        assert record["request_id"] == "mine"

    async def test_an_error_says_which_and_is_metered(self, service):
        wrong = request("ModelInfer")
        wrong.inputs[0].shape[:] = [1, 4]

        refused = await service.refused("ModelInfer", wrong, x_request_id="mine")

        trailers = dict(refused.trailing_metadata())
        assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "shape [1, 4]" in refused.details()
        assert trailers["x-request-id"] == trailers["pileus-request-id"] == "mine"
        assert trailers["pileus-error-code"] == "invalid_tensor"
        assert trailers["pileus-prediction-id"].startswith("prd_")
        await service.running.end()
        assert service.link.totals() == (1, 0, 1)

    async def test_a_revision_that_is_not_served(self, service):
        other = request("ModelInfer")
        other.model_version = "9"

        assert (await service.refused("ModelInfer", other)).code() is grpc.StatusCode.NOT_FOUND

    async def test_an_object_that_no_list_covers_is_refused(self, service):
        named = message("ModelInferRequest")(model_name="grey")
        named.parameters["object"].string_param = "s3://bucket/x.png"

        refused = await service.refused("ModelInfer", named)

        assert refused.code() is grpc.StatusCode.PERMISSION_DENIED

    @pytest.mark.parametrize("content", [b"\xff", b"\x0a\x05ab", b"\x2a\x01\x08"])
    async def test_what_is_no_message_is_refused(self, service, content):
        refused = await service.refused("ModelInfer", content)

        assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "ModelInferRequest" in refused.details()

    async def test_too_large_a_message_is_refused_and_the_next_one_answered(self, service):
        large = request("ModelInfer")
        large.id = "x" * (1 << 20)

        refused = await service.refused("ModelInfer", large)

        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await service.call("ModelInfer")

    async def test_a_request_whose_time_is_over_is_not_answered(self, service):
        late = request("ModelInfer")
        late.parameters["timeout"].int64_param = 1

        refused = await service.refused("ModelInfer", late)

        assert refused.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert dict(refused.trailing_metadata())["pileus-error-code"] == "deadline_exceeded"

    async def test_many_at_once_are_computed_together(self, service):
        answers = await asyncio.gather(*(service.call("ModelInfer") for _ in range(50)))

        ids = {answer.parameters["prediction_id"].string_param for answer in answers}
        assert len(ids) == 50

    async def test_a_bug_is_told_of_in_the_log_alone(self, service, monkeypatch, caplog):
        def broken(*_):
            raise RuntimeError("secret detail")

        monkeypatch.setattr("pileus.gateway.grpc.inferring.inputs_of", broken)
        caplog.set_level(logging.ERROR)

        refused = await service.refused("ModelInfer", x_request_id="mine")

        assert (refused.code(), refused.details()) == (grpc.StatusCode.INTERNAL, "internal error")
        assert "secret detail" in caplog.text

    async def test_an_unknown_method_is_told(self, service):
        call: Any = service.channel.unary_unary(f"/{SERVICE}/Other")

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


class TestDescribing:
    async def test_the_index_has_what_answers(self, service):
        index = await service.call("RepositoryIndex")

        assert [(one.name, one.version, one.state) for one in index.models] == [
            ("flowers", "1", "READY"),
            ("grey", "1", "READY"),
        ]

    async def test_a_revision_that_is_loading_is_not_ready_and_the_index_says_why(
        self, service, tmp_path
    ):
        made = service.link.hold(write_rows_bundle(tmp_path / "late"))
        damaged = made[0].model_copy(update={"digest": "0" * 64})
        service.link.blobs[damaged.digest] = b"damaged"
        before = service.link.document
        late = route((damaged, *made[1:]), "late", endpoint="end_c")
        service.link.document = routes(*before.endpoints, late, seq=2, tokens=before.tokens)
        wanted = message("ModelReadyRequest")(name="late")
        for _ in range(250):
            index = await service.call("RepositoryIndex")
            found = {one.name: one for one in index.models}
            if "late" in found and found["late"].reason:
                break
            await asyncio.sleep(0.02)

        assert found["late"].state == "UNAVAILABLE"
        assert "digest" in found["late"].reason
        assert not (await service.call("ModelReady", wanted)).ready
        only_ready = await service.call(
            "RepositoryIndex", message("RepositoryIndexRequest")(ready=True)
        )
        assert {one.name for one in only_ready.models} == {"flowers", "grey"}


async def test_a_port_in_use_is_refused(service, start):
    another = start(grpc=True, grpc_port=service.port)

    with pytest.raises(PortTaken, match=str(service.port)) as caught:
        await another.task
    assert "--grpc-port" in (caught.value.hint or "")


async def test_requests_in_flight_are_finished(service, monkeypatch):
    is_running, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow(*arguments):
        is_running.set()
        await may_go_on.wait()
        return await infer(*arguments)

    monkeypatch.setattr("pileus.gateway.grpc.inferring.infer", slow)
    call = asyncio.create_task(service.call("ModelInfer"))
    await is_running.wait()
    service.running.stop.set()
    await asyncio.sleep(0.1)
    assert not call.done()

    may_go_on.set()

    answer = await call
    assert answer.model_name == "flowers"
