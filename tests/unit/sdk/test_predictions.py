import json

import httpx
import pytest

from pileus.core.errors import InvalidRequest, Unavailable
from pileus.sdk import Client

COLUMNS = [{"name": "age", "type": "number", "values": None}]


class Gateway:
    """Answers metadata and inferences."""

    def __init__(self):
        self.asked: list[httpx.Request] = []

    def __call__(self, request):
        if request.url.path == "/v2/models/houses":
            features = {"name": "features", "datatype": "FP32", "shape": [-1, 2]}
            taken = features | {"parameters": {"content": "row", "columns": COLUMNS}}
            return httpx.Response(200, json={"inputs": [taken], "parameters": {"model": "m:3"}})
        self.asked.append(request)
        return httpx.Response(200, json={"outputs": []})


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def predictions(gateway):
    return Client(
        "http://pileus.test",
        "plt_x",
        gateway_url="http://gateway.test",
        transport=httpx.MockTransport(gateway),
    ).predictions


class TestPredict:
    def test_an_image_is_sent_as_it_is(self, predictions, gateway, tmp_path):
        (tmp_path / "a.JPG").write_bytes(b"jpeg")

        predictions.predict("houses", tmp_path / "a.JPG")

        sent = gateway.asked[0]
        assert (sent.content, sent.headers["Content-Type"]) == (b"jpeg", "image/jpeg")
        assert sent.url.path == "/v2/models/houses/infer"

    def test_a_csv_file_is_sent_as_it_is(self, predictions, gateway, tmp_path):
        (tmp_path / "a.csv").write_text("size,age\n2,1\n4,\n")

        predictions.predict("houses", tmp_path / "a.csv")

        sent = gateway.asked[0]
        assert (sent.content, sent.headers["Content-Type"]) == (b"size,age\n2,1\n4,\n", "text/csv")

    def test_rows_of_names_are_sent_by_their_names(self, predictions, gateway, tmp_path):
        (tmp_path / "a.json").write_text('[{"size": 2, "age": null}]')

        predictions.predict("houses", tmp_path / "a.json")
        predictions.predict("houses", {"size": 2, "age": float("nan")})

        assert [json.loads(sent.content) for sent in gateway.asked] == [
            [{"size": 2, "age": None}]
        ] * 2

    def test_columns_come_from_the_signature(self, predictions):
        assert predictions.columns("houses") == COLUMNS

    def test_a_whole_request_goes_through(self, predictions, gateway, tmp_path):
        (tmp_path / "a.json").write_text('{"inputs": [], "id": "7"}')

        predictions.predict("houses", tmp_path / "a.json")

        assert json.loads(gateway.asked[0].content) == {"inputs": [], "id": "7"}

    def test_rows_of_numbers_need_no_names(self, predictions, gateway):
        predictions.predict("houses", [[1, 2]])

        assert json.loads(gateway.asked[0].content)["inputs"][0]["data"] == [1, 2]

    def test_another_kind_of_file_is_refused(self, predictions):
        with pytest.raises(InvalidRequest, match=r"a\.exe"):
            predictions.predict("houses", "a.exe")

    def test_a_missing_file_is_named(self, predictions):
        with pytest.raises(InvalidRequest, match=r"none\.png"):
            predictions.predict("houses", "none.png")


class TestWithoutGateway:
    def test_its_address_is_asked_for(self):
        with pytest.raises(Unavailable, match="gateway"):
            _ = Client("http://pileus.test", "plt_x").predictions
