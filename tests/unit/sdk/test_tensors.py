from typing import Any

import numpy as np
import pytest

from pileus.core.errors import InvalidRequest
from pileus.sdk import tensors

EXPECTED = {"name": "features", "datatype": "FP32", "shape": [-1, 2]}
COLUMNS: list[dict[str, Any]] = [
    {"name": "age", "type": "number"},
    {"name": "colour", "type": "category", "values": ["blue", "red"]},
]


class TestByColumn:
    def test_columns_are_put_in_the_models_order_and_categories_coded(self):
        rows = tensors.by_column([{"colour": "red", "age": "4"}], COLUMNS)

        assert rows == [[4.0, 1.0]]

    def test_what_is_missing_or_unseen_is_marked(self):
        rows = tensors.by_column({"colour": "green", "age": ""}, COLUMNS)

        assert rows == [[None, -1.0]]

    def test_text_in_a_number_column_is_refused(self):
        with pytest.raises(InvalidRequest, match="'old' in column 'age'"):
            tensors.by_column([{"age": "old", "colour": "red"}], COLUMNS)

    def test_a_column_that_is_not_there_is_named_not_guessed(self):
        with pytest.raises(InvalidRequest, match=r"lacks the model's columns \['colour'\]"):
            tensors.by_column([{"age": 1, "color": "red"}], COLUMNS)

    def test_columns_that_the_model_does_not_know_are_passed_over(self):
        assert tensors.by_column([{"age": 1, "colour": "red", "label": "x"}], COLUMNS) == [[1, 1]]


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


class TestReadRows:
    def test_a_csv_file_with_a_byte_order_mark(self):
        assert tensors.read_rows("a.csv", b"\xef\xbb\xbfage,colour\n4,red\n") == [
            {"age": "4", "colour": "red"}
        ]

    @pytest.mark.parametrize("row", ["4", "4,red,more"])
    def test_a_ragged_line_is_refused_with_its_number(self, row):
        with pytest.raises(InvalidRequest, match=r"'a\.csv', line 3: \d cells for 2 columns"):
            tensors.read_rows("a.csv", f"age,colour\n4,red\n{row}\n".encode())

    def test_a_damaged_file_is_named(self):
        with pytest.raises(InvalidRequest, match=r"'a\.json'"):
            tensors.read_rows("a.json", b"{")
