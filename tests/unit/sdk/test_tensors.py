import json
from decimal import Decimal

import numpy as np
import pytest

from pileus.core.errors import InvalidRequest
from pileus.sdk import tensors

EXPECTED = {"name": "features", "datatype": "FP32", "shape": [-1, 2]}


class TestJsonOf:
    def test_a_row_is_a_list_of_one(self):
        assert json.loads(tensors.json_of({"age": 1, "name": "x"})) == [{"age": 1, "name": "x"}]

    @pytest.mark.parametrize(
        "value, sent",
        [
            (np.float32(0.5), 0.5),
            (np.int64(3), 3),
            (Decimal("1.5"), 1.5),
            (float("nan"), None),
            (np.float32("nan"), None),
            (None, None),
            (True, True),
        ],
    )
    def test_numbers_of_whatever_library(self, value, sent):
        assert json.loads(tensors.json_of([{"x": value}])) == [{"x": sent}]

    @pytest.mark.parametrize("rows", [[{"x": object()}], [{"x": float("inf")}], [{"x": 1}, 2]])
    def test_what_cannot_be_sent_is_refused(self, rows):
        with pytest.raises(InvalidRequest, match="cannot be sent"):
            tensors.json_of(rows)


class TestRequestOf:
    def test_rows_fill_the_shape(self):
        request = tensors.request_of([[1, 2], [3, 4]], EXPECTED)

        assert request["inputs"] == [
            {"name": "features", "datatype": "FP32", "shape": [2, 2], "data": [1, 2, 3, 4]}
        ]

    def test_one_flat_row_is_a_batch_of_one(self):
        assert tensors.request_of([1, 2], EXPECTED)["inputs"][0]["shape"] == [1, 2]

    def test_an_array_keeps_its_shape(self):
        request = tensors.request_of(np.zeros((1, 2, 2, 1), np.uint8), EXPECTED)

        assert request["inputs"][0]["shape"] == [1, 2, 2, 1]

    @pytest.mark.parametrize("nothing", [[], np.zeros((0, 2))])
    def test_no_row_is_said_to_be_none(self, nothing):
        with pytest.raises(InvalidRequest, match="no row"):
            tensors.request_of(nothing, EXPECTED)

    @pytest.mark.parametrize("value", [5, "x", None])
    def test_what_is_not_rows_is_refused(self, value):
        with pytest.raises(InvalidRequest, match="is not rows"):
            tensors.request_of(value, EXPECTED)

    def test_rows_of_unequal_length_are_refused(self):
        with pytest.raises(InvalidRequest, match="3 values do not fill"):
            tensors.request_of([[1, 2], [3]], EXPECTED)


class TestReadJson:
    def test_a_file_with_a_byte_order_mark(self):
        assert tensors.read_json("a.json", b"\xef\xbb\xbf[1]") == [1]

    @pytest.mark.parametrize("content", [b"{", b"\xff", b""])
    def test_a_damaged_file_is_named(self, content):
        with pytest.raises(InvalidRequest, match=r"'a\.json'"):
            tensors.read_json("a.json", content)
