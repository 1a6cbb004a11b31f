import asyncio
import gzip
import io
import json
import socket

import numpy as np
import pytest
from PIL import Image

from pileus.core import ids
from pileus.gateway.errors import PortTaken
from pileus.gateway.lane import check_port
from pileus.inference.errors import Overloaded
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
from tests.unit.inference.graphs import (
    COLUMNS,
    write_image_bundle,
    write_rows_bundle,
    write_text_bundle,
)

INFER = "/v2/models/flowers/infer"


@pytest.fixture
async def gateway(tmp_path, link, start):
    flowers = route(link.hold(write_rows_bundle(tmp_path / "made")))
    pixels = route(link.hold(write_image_bundle(tmp_path / "grey")), "grey", endpoint="end_b")
    people = route(
        link.hold(write_rows_bundle(tmp_path / "people", COLUMNS)), "people", endpoint="end_c"
    )
    words = route(link.hold(write_text_bundle(tmp_path / "words")), "words", endpoint="end_d")
    link.document = routes(flowers, pixels, people, words)
    running = start()
    for name in ("flowers", "grey", "people", "words"):
        await running.until_answers(f"/v2/models/{name}/ready")
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

        (features,) = document["inputs"]
        assert features.pop("parameters") == {"content": "row"}
        assert features == {"name": "features", "datatype": "FP32", "shape": [-1, 3]}
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

    async def test_rows_of_names_are_put_in_the_models_order(self, gateway):
        rows = [
            {"colour": "red", "width": 0, "height": 0.5},
            {"colour": "", "width": 2, "height": 1},
        ]
        table = "colour,width,height\nred,0,0.5\n,2,1\n"
        as_csv = {"Content-Type": "text/csv; charset=utf-8"}

        answers = [
            await gateway.post("/v2/models/people/infer", json=rows),
            await gateway.post("/v2/models/people/infer", content=table, headers=as_csv),
        ]
        one = await gateway.post("/v2/models/people/infer", json=rows[0])

        labels = [answer.json()["outputs"][2]["data"] for answer in answers]
        assert labels == [["large", "middle"]] * 2
        assert one.json()["outputs"][2]["data"] == ["large"]

    async def test_a_model_of_rows_takes_requests_of_the_protocol_too(self, gateway):
        answer = await gateway.post("/v2/models/people/infer", json=features(2))
        nested = {"name": "features", "shape": [1, 3], "datatype": "FP32", "data": [[9, 0, 0]]}
        other = await gateway.post("/v2/models/people/infer", json={"inputs": [nested]})

        assert (answer.status_code, other.status_code) == (200, 200)

    @pytest.mark.parametrize(
        "body, said",
        [
            ({"colour": "red", "width": 1}, "lacks the model's columns ['height']"),
            ({}, "lacks the model's columns"),
            ([1], "neither a row nor an array"),
            ({"inputs": []}, "lacks the inputs ['features']"),
            ({"inputs": 5}, "not an inference request"),
        ],
    )
    async def test_rows_that_do_not_fit_are_refused(self, gateway, body, said):
        answer = await gateway.post("/v2/models/people/infer", json=body)

        assert answer.status_code == 422
        assert said in answer.json()["message"]

    async def test_columns_are_in_the_metadata(self, gateway):
        (taken,) = (await gateway.get("/v2/models/people")).json()["inputs"]

        assert taken["parameters"]["content"] == "row"
        names = [column["name"] for column in taken["parameters"]["columns"]]
        assert names == ["height", "width", "colour"]

    async def test_a_text_body_is_one_row(self, gateway):
        answer = await gateway.post(
            "/v2/models/words/infer", content="é\n", headers={"Content-Type": "text/plain"}
        )

        assert answer.json()["outputs"][0]["data"] == ["é\n"]

    @pytest.mark.parametrize("content_type", ["text/plain", "text/csv", "image/png"])
    async def test_a_model_that_declares_something_else_refuses_it(self, gateway, content_type):
        answer = await gateway.post(INFER, content=b"x", headers={"Content-Type": content_type})

        assert (answer.status_code, answer.json()["family"]) == (422, "invalid_request")

    async def test_a_large_body_is_read_too(self, gateway):
        many = features(4000, 1)
        many["inputs"][0]["data"] = [[*many["inputs"][0]["data"]]]

        answer = await gateway.post(INFER, json=many)

        assert answer.json()["outputs"][0]["shape"] == [4000, 3]

    async def test_a_request_whose_time_is_over_is_not_answered(self, gateway):
        over = [
            await gateway.post(INFER, json=features(), headers={"Timeout": "1"}),
            await gateway.post(INFER, json=features() | {"parameters": {"timeout": 1}}),
        ]
        enough = features() | {"parameters": {"timeout": 30_000_000}}
        in_time = await gateway.post(INFER, json=enough, headers={"Timeout": "0"})

        assert [(one.status_code, one.json()["code"]) for one in over] == [
            (504, "deadline_exceeded")
        ] * 2
        assert in_time.status_code == 200

    @pytest.mark.parametrize(
        "header, parameter", [("soon", None), ("-1", None), ("1.5", None), (None, -1), (None, "1")]
    )
    async def test_a_timeout_that_is_none_is_refused(self, gateway, header, parameter):
        headers = {} if header is None else {"Timeout": header}
        body = features() | ({} if parameter is None else {"parameters": {"timeout": parameter}})

        answer = await gateway.post(INFER, json=body, headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (422, "body_unreadable")

    async def test_who_comes_when_too_many_wait_is_told_when_to_come_back(
        self, gateway, monkeypatch
    ):
        async def overloaded(*_):
            raise Overloaded(4096, 2.2)

        monkeypatch.setattr("pileus.gateway.rest.inferring.infer", overloaded)

        answer = await gateway.post(INFER, json=features())

        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert answer.headers["Retry-After"] == "3"

    async def test_raw_and_compressed_bodies_are_answered_in_kind(self, gateway):
        tensor: dict = {"name": "features", "shape": [1, 3], "datatype": "FP32"}
        tensor["parameters"] = {"binary_data_size": 12}
        asked = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
        text = json.dumps(asked).encode()
        content = gzip.compress(text + np.array([0, 0, 9], "<f4").tobytes())
        length = "Inference-Header-Content-Length"

        answer = await gateway.post(
            INFER, content=content, headers={length: str(len(text)), "Content-Encoding": "gzip"}
        )

        size = int(answer.headers[length])
        assert answer.headers["Content-Type"] == "application/octet-stream"
        outputs = json.loads(answer.content[:size])["outputs"]
        sizes = [output["parameters"]["binary_data_size"] for output in outputs]
        assert sizes == [12, 8, 9]
        assert answer.content[size:].endswith(b"\x05\0\0\0large")

    @pytest.mark.parametrize("body, ready", [(None, 4), ({"ready": True}, 4), ({}, 4)])
    async def test_the_index_has_the_projects_endpoints(self, gateway, body, ready):
        answer = await gateway.post("/v2/repository/index", json=body)

        assert [one["state"] for one in answer.json()] == ["READY"] * ready

    async def test_an_index_that_is_not_asked_for_rightly(self, gateway):
        answer = await gateway.post("/v2/repository/index", json={"ready": "yes"})

        assert (answer.status_code, answer.json()["code"]) == (422, "body_unreadable")

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
