import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core.errors import PileusError
from pileus.gateway.rest import wire
from pileus.gateway.rest.numbers import NumbersReader
from pileus.gateway.rest.wire import RequestDecoder
from pileus.inference.bundle import Bundle, InputSpec, OutputSpec
from pileus.inference.signature import Signature

OUTPUT = OutputSpec("y", "FP32", (-1, 1))
KINDS = ("FP16", "FP32", "FP64", "INT8", "UINT8", "INT64", "UINT64")


def bundle(datatype="FP32", content="tensor"):
    inputs = (InputSpec("x", datatype, (-1, 2), content),)
    return Bundle(1, "model.onnx", "regression", inputs, (OUTPUT,))


def body(data, shape=(1, 2), datatype="FP32", **more):
    tensor = {"name": "x", "shape": list(shape), "datatype": datatype, "data": data}
    return json.dumps({"inputs": [tensor], **more}).encode()


def read(content, reader=None):
    found = (reader or NumbersReader(bundle())).read(content)
    assert found is not None
    return found


class TestRead:
    @pytest.mark.parametrize("data", [[1, 2.5, 3, 4], [[1, 2.5], [3, 4]]])
    def test_numbers_flat_and_nested(self, data):
        (tensor,), beside = read(body(data, (2, 2)))

        assert (tensor.name, tensor.shape, tensor.datatype) == ("x", [2, 2], "FP32")
        assert tensor.data.tolist() == [1, 2.5, 3, 4]
        assert beside == {}

    def test_what_was_read_stays_when_another_is_read(self):
        reader = NumbersReader(bundle())
        (first,), _ = read(body([1, 2]), reader)
        read(body([9, 9]), reader)

        assert first.data.tolist() == [1, 2]

    def test_what_is_said_beside_the_inputs(self):
        _, beside = read(body([1, 2], id="mine", outputs=[{"name": "y"}]))

        assert beside == {"id": "mine", "outputs": [{"name": "y"}]}

    @pytest.mark.parametrize(
        "content",
        [
            body([1, None]),
            body([1, True]),
            body(["1", "2"]),
            body({"a": 1}),
            body(5),
            body([1, 2], shape=(1.0, 2)),
            body([1, 2], shape=(True, 2)),
            b"[]",
            b"{",
            b"\xff",
            b"5",
            body([1, 2]).replace(b'"x"', b'"other"'),
            body([1, 2]).replace(b'"x"', b'"x", "parameters": {}'),
        ],
    )
    def test_what_is_not_the_plain_case_is_left_to_others(self, content):
        assert NumbersReader(bundle()).read(content) is None

    @pytest.mark.parametrize("datatype", ["BOOL", "BYTES"])
    def test_a_model_of_something_else_is_left_to_others(self, datatype):
        assert not NumbersReader(bundle(datatype)).reads


def arrays(made, content):
    read = RequestDecoder(made).decode(content)
    return Signature(made, 100).arrays(read.inputs)[0]["x"], read.outer


class TestBothWays:
    """Reading numbers fast gives what reading them slowly gives, and the same errors."""

    @given(
        st.sampled_from(KINDS),
        st.sampled_from(["tensor", "row"]),
        st.lists(
            st.integers(-300, 300) | st.integers() | st.floats(allow_nan=False) | st.none(),
            min_size=2,
            max_size=2,
        ),
        st.none() | st.text(max_size=3),
    )
    def test_they_agree(self, datatype, content, data, identifier):
        made, request = bundle(datatype, content), body(data, datatype=datatype, id=identifier)
        results = []
        for worth in (0, 1 << 30):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(wire, "WORTH_BYTES", worth)
                try:
                    array, outer = arrays(made, request)
                except PileusError as error:
                    results.append(error.code)
                else:
                    results.append(f"{array.dtype} {array.tolist()} {outer.id}")
        assert results[0] == results[1]
