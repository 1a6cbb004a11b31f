import asyncio
import io
import json
import socket

import pytest
from PIL import Image

from pileus.core import ids
from pileus.gateway.errors import PortTaken
from pileus.gateway.lane import check_port
from tests.unit.gateway.installation import (
    DEVELOPER,
    EXPIRED,
    STRANGER,
    VIEWER,
    features,
    free_port,
    route,
    routes,
)
from tests.unit.inference.graphs import write_image_bundle, write_rows_bundle

INFER = "/v2/models/flowers/infer"


@pytest.fixture
async def gateway(tmp_path, link, start):
    flowers = route(link.hold(write_rows_bundle(tmp_path / "made")))
    pixels = route(link.hold(write_image_bundle(tmp_path / "grey")), "grey", endpoint="end_b")
    link.document = routes(flowers, pixels)
    running = start()
    await running.until_answers("/v2/models/flowers/ready")
    await running.until_answers("/v2/models/grey/ready")
    return running


class TestDescribing:
    async def test_health_is_anonymous(self, gateway):
        live = await gateway.get("/v2/health/live", token=None)
        ready = await gateway.get("/v2/health/ready", token=None)

        assert live.json() == {"live": True}
        assert ready.status_code == 200
        assert ready.json()["ready"] is True
        assert ready.json()["stale"] is False

    async def test_the_server_says_who_it_is(self, gateway):
        assert (await gateway.get("/v2")).json()["name"] == "pileus"

    @pytest.mark.parametrize("path", ["/v2/models/flowers", "/v2/models/flowers/versions/1"])
    async def test_metadata_tells_the_signature(self, gateway, path):
        document = (await gateway.get(path)).json()

        assert document["inputs"] == [{"name": "features", "datatype": "FP32", "shape": [-1, 3]}]
        assert document["outputs"][-1] == {"name": "label", "datatype": "BYTES", "shape": [-1]}
        assert document["versions"] == ["1"]


class TestAccess:
    @pytest.mark.parametrize("token", [None, "plt_nobody", EXPIRED])
    async def test_an_unknown_or_expired_token_is_refused(self, gateway, token):
        answer = await gateway.post(INFER, token, json=features())

        assert answer.status_code == 401
        assert answer.json()["family"] == "not_authenticated"

    async def test_a_viewer_reads_and_may_not_predict(self, gateway):
        assert (await gateway.get("/v2/models/flowers", VIEWER)).status_code == 200

        answer = await gateway.post(INFER, VIEWER, json=features())

        assert answer.status_code == 403

    async def test_another_project_sees_nothing(self, gateway):
        answer = await gateway.post(INFER, STRANGER, json=features())

        assert answer.status_code == 404

    async def test_a_path_and_a_method_that_do_not_exist(self, gateway):
        assert (await gateway.get("/v1/models/flowers:predict")).status_code == 404
        assert (await gateway.get(INFER)).status_code == 405
        assert (await gateway.get("/v2/models//ready")).status_code == 404

    async def test_a_revision_that_is_not_live(self, gateway):
        answer = await gateway.post("/v2/models/flowers/versions/7/infer", json=features())

        assert answer.status_code == 404
        assert answer.json()["code"] == "revision_not_served"


class TestInfer:
    async def test_a_prediction_has_labels_and_an_id(self, gateway):
        answer = await gateway.post(INFER, json=features(2) | {"id": "mine"})

        document = answer.json()
        assert answer.status_code == 200
        assert document["id"] == "mine"
        assert document["model_name"] == "flowers"
        assert document["model_version"] == "1"
        assert answer.headers["pileus-prediction-id"] == document["parameters"]["prediction_id"]
        outputs = {output["name"]: output for output in document["outputs"]}
        assert outputs["label"]["datatype"] == "BYTES"
        assert set(outputs["label"]["data"]) <= {"small", "middle", "large"}
        assert outputs["probabilities"]["shape"] == [2, 3]

    async def test_the_versioned_path_answers_the_same(self, gateway):
        answer = await gateway.post("/v2/models/flowers/versions/1/infer", json=features())

        assert answer.status_code == 200

    async def test_an_object_that_no_list_covers_is_refused_and_counted(self, gateway):
        body = {"parameters": {"object": "https://example.org/a.png"}}

        response = await gateway.post("/v2/models/grey/infer", json=body)

        assert response.status_code == 403
        assert response.json()["code"] == "object_not_allowed"

    async def test_inputs_beside_an_object_are_refused(self, gateway):
        body = features() | {"parameters": {"object": "https://example.org/a.png"}}

        response = await gateway.post("/v2/models/flowers/infer", json=body)

        assert response.status_code == 422
        assert "names an object too" in response.json()["message"]

    async def test_an_image_body_is_decoded(self, gateway):
        stream = io.BytesIO()
        Image.new("L", (6, 4), 90).save(stream, "PNG")

        answer = await gateway.post(
            "/v2/models/grey/infer",
            content=stream.getvalue(),
            headers={"Content-Type": "image/png"},
        )

        assert answer.json()["outputs"][0]["data"] == [90.0]

    async def test_an_error_has_our_format_and_the_callers_request_id(self, gateway):
        answer = await gateway.post(INFER, content=b"{", headers={"Pileus-Request-Id": "req_mine"})

        error = answer.json()
        assert answer.status_code == 422
        assert error["code"] == "body_unreadable"
        assert error["request_id"] == "req_mine"
        assert answer.headers["pileus-request-id"] == "req_mine"

    async def test_another_content_type_is_refused(self, gateway):
        answer = await gateway.post(INFER, content=b"a=1", headers={"Content-Type": "text/plain"})

        assert answer.status_code == 422

    async def test_too_large_a_body_is_refused(self, gateway, start):
        running = start(max_body_mib=1)
        await running.until_answers("/v2/models/flowers/ready")

        announced = await running.post(INFER, content=b" " * (2 << 20))
        chunked = await running.post(INFER, content=chunks(2 << 20))

        for answer in (announced, chunked):
            assert answer.status_code == 413
            assert answer.json()["code"] == "request_too_large"

    async def test_many_at_once_are_all_answered(self, gateway):
        bodies = [features(seed=seed) for seed in range(40)]

        answers = await asyncio.gather(*(gateway.post(INFER, json=body) for body in bodies))

        for body, answer in zip(bodies, answers, strict=True):
            index = answer.json()["outputs"][1]["data"][0]
            data = body["inputs"][0]["data"]
            assert index == data.index(max(data))


class TestMoney:
    async def test_rows_answered_are_metered_and_errors_are_free(self, gateway, link):
        for rows in (1, 2, 3):
            assert (await gateway.post(INFER, json=features(rows))).status_code == 200
        await gateway.post(INFER, content=b"{")

        await gateway.end()

        assert link.totals() == (4, 6, 1)
        assert link.reports[-1].final
        assert list((gateway.home / "gateway" / "meters").iterdir()) == []

    async def test_every_prediction_leaves_a_record(self, gateway, link):
        answer = await gateway.post(INFER, json=features(2))
        refused = await gateway.post(INFER, content=b"{")

        await gateway.end()

        lines = [json.loads(line) for part in link.segments.values() for line in part.splitlines()]
        records = {line["id"]: line for line in lines}
        record = records[answer.headers["pileus-prediction-id"]]
        assert record["outcome"] == "ok"
        assert record["rows"] == 2
        assert record["revision"] == "rev_end_a_1"
        assert record["token"] == f"tok_{DEVELOPER}"
        assert record["price"] == {"micro": 100_000, "exponent": 6}
        assert record["bytes_out"] == len(answer.content)
        assert records[refused.headers["pileus-prediction-id"]]["outcome"] == "body_unreadable"

    async def test_an_id_tells_lane_and_segment(self, gateway, link):
        answer = await gateway.post(INFER, json=features())

        await gateway.end()

        bits = ids.free_bits(answer.headers["pileus-prediction-id"], "prd")
        [(lane, number, _)] = link.segments
        assert (bits >> 58, (bits >> 32) & ((1 << 26) - 1)) == (lane, number)


class TestCheckPort:
    def test_a_port_in_use_is_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]

            with pytest.raises(PortTaken, match=str(port)):
                check_port("127.0.0.1", port)

    def test_a_shared_port_in_use_is_refused(self):
        with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
            port = taken.getsockname()[1]

            with pytest.raises(PortTaken):
                check_port("127.0.0.1", port)

    def test_a_free_port_passes(self):
        check_port("127.0.0.1", free_port())


async def chunks(size):
    for _ in range(size // 65536):
        yield b" " * 65536
