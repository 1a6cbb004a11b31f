import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core.errors import PileusError
from pileus.gateway.errors import BodyUnreadable
from pileus.gateway.rest.wire import RequestDecoder, encode_answer, json_length
from pileus.inference.bundle import Bundle, InputSpec, OutputSpec
from pileus.inference.dataplane import AnswerTensor, Wanted
from pileus.inference.datatypes import DATATYPES
from pileus.inference.errors import InvalidTensor
from pileus.inference.signature import Signature


def make_bundle(*inputs):
    output = OutputSpec("y", "FP32", (-1, 1))
    return Bundle(1, "model.onnx", "regression", tuple(inputs), (output,))


ROWS = make_bundle(InputSpec("features", "FP32", (-1, 2), "row"))
PIXELS = make_bundle(InputSpec("image", "UINT8", (-1, 2, 2, 1), "image", "L"))
MIXED = make_bundle(InputSpec("x", "FP32", (-1, 2)), InputSpec("text", "BYTES", (-1, 1)))


def body(data, name="features", shape=(1, 2), datatype="FP32", **more):
    tensor = {"name": name, "shape": list(shape), "datatype": datatype, "data": data}
    return json.dumps({"inputs": [tensor], **more}).encode()


def arrays(bundle, content):
    request = RequestDecoder(bundle).decode(content)
    return Signature(bundle, 100).arrays(request.inputs)


class TestDecode:
    def test_flat_data_is_read(self):
        inputs, rows = arrays(ROWS, body([1, 2.5]))

        assert rows == 1
        assert inputs["features"].tolist() == [[1.0, 2.5]]

    def test_nested_data_is_read(self):
        inputs, _ = arrays(ROWS, body([[1, 2], [3, 4]], shape=(2, 2)))

        assert inputs["features"].tolist() == [[1, 2], [3, 4]]

    def test_null_is_a_missing_feature(self):
        inputs, _ = arrays(ROWS, body([None, 2.0]))

        assert np.isnan(inputs["features"][0, 0])

    def test_null_is_no_pixel(self):
        with pytest.raises(InvalidTensor, match="element of another type"):
            RequestDecoder(PIXELS).decode(body([None] * 4, "image", (1, 2, 2, 1), "UINT8"))

    def test_inputs_of_several_types_are_read(self):
        tensors = [
            {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]},
            {"name": "text", "shape": [1, 1], "datatype": "BYTES", "data": ["é"]},
        ]

        inputs, _ = arrays(MIXED, json.dumps({"inputs": tensors}).encode())

        assert inputs["text"].tolist() == [["é"]]

    def test_id_and_wanted_outputs_are_read(self):
        request = (
            RequestDecoder(ROWS).decode(body([1, 2], id="mine", outputs=[{"name": "y"}])).outer
        )

        assert request.id == "mine"
        assert request.wanted() == [Wanted("y")]

    @pytest.mark.parametrize("data", [["1", "2"], [True, False], [{}, 1], [[], ["x", 1]]])
    def test_elements_of_another_type_are_refused(self, data):
        with pytest.raises(InvalidTensor):
            arrays(ROWS, body(data))

    @pytest.mark.parametrize("data", ["12", 1, {"a": 1}, None])
    def test_data_that_is_no_array_is_refused(self, data):
        with pytest.raises(BodyUnreadable, match="data"):
            arrays(ROWS, body(data))

    def test_a_fraction_is_no_pixel(self):
        with pytest.raises(InvalidTensor):
            arrays(PIXELS, body([1.5] * 4, "image", (1, 2, 2, 1), "UINT8"))

    def test_json_without_nan_is_explained(self):
        with pytest.raises(BodyUnreadable) as raised:
            RequestDecoder(ROWS).decode(body([float("nan"), 1.0]))

        assert "null" in (raised.value.hint or "")

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"null", b'{"inputs": 1}', b"\xff\xfe", b'{"inputs": [{"name": 1}]}'],
    )
    def test_what_is_no_request_is_refused(self, content):
        with pytest.raises(BodyUnreadable):
            RequestDecoder(ROWS).decode(content)

    def test_nesting_without_end_is_refused(self):
        deep = b"[" * 100_000 + b"]" * 100_000
        content = body("DATA").replace(b'"DATA"', deep)

        with pytest.raises(PileusError):
            RequestDecoder(ROWS).decode(content)

    def test_what_is_not_of_the_protocol_is_not_looked_at(self):
        inputs, _ = arrays(ROWS, body([1, 2], parameters={"priority": 1}, extra=[]))

        assert inputs["features"].tolist() == [[1, 2]]


def with_raw(tensors, raw, **more):
    """A body of JSON and raw data, and the length of its JSON."""
    text = json.dumps({"inputs": tensors, **more}).encode()
    return text + raw, len(text)


def raw_tensor(size, name="features", shape=(1, 2), datatype="FP32", **more):
    tensor = {"name": name, "shape": list(shape), "datatype": datatype, **more}
    return tensor | {"parameters": {"binary_data_size": size}}


class TestRaw:
    def read(self, bundle, content, length):
        request = RequestDecoder(bundle).decode(content, length)
        return Signature(bundle, 100).arrays(request.inputs)[0]

    @pytest.mark.parametrize("spaces", range(4))
    def test_elements_come_after_the_json_wherever_that_ends(self, spaces):
        content, length = with_raw(
            [raw_tensor(8)], np.array([1, 2.5], np.float32).tobytes(), id=" " * spaces
        )

        array = self.read(ROWS, content, length)["features"]

        assert array.tolist() == [[1.0, 2.5]]
        assert array.flags.aligned

    def test_each_input_has_its_part(self):
        raw = np.array([1, 2], np.float32).tobytes() + b"\x02\0\0\0" + "é".encode()
        tensors = [raw_tensor(8, "x"), raw_tensor(6, "text", (1, 1), "BYTES")]

        arrays_ = self.read(MIXED, *with_raw(tensors, raw))

        assert arrays_["x"].tolist() == [[1, 2]]
        assert arrays_["text"].tolist() == [["é"]]

    def test_one_input_may_be_raw_and_another_in_json(self):
        text = {"name": "text", "shape": [1, 1], "datatype": "BYTES", "data": ["a"]}

        read = self.read(MIXED, *with_raw([text, raw_tensor(8, "x")], bytes(8)))

        assert read["text"].tolist() == [["a"]]
        assert read["x"].tolist() == [[0, 0]]

    @pytest.mark.parametrize(
        "tensors, raw, said",
        [
            ([raw_tensor(12)], bytes(8), "announces 12 bytes; 8 are left"),
            ([raw_tensor(-1)], bytes(8), "announces -1 bytes"),
            ([raw_tensor(4)], bytes(4), "2 elements take 8 bytes, but 4 are there"),
            ([raw_tensor(8)], bytes(9), "1 bytes after the JSON belong to no input"),
            ([raw_tensor(8, data=[1, 2])], bytes(8), "elements in 'data' too"),
            ([raw_tensor(2**70)], bytes(8), "8 are left"),
        ],
    )
    def test_raw_data_that_does_not_fit_is_refused(self, tensors, raw, said):
        with pytest.raises(PileusError, match=said):
            self.read(ROWS, *with_raw(tensors, raw))

    def test_raw_data_that_no_header_announces_is_refused(self):
        content, _ = with_raw([raw_tensor(8)], b"")

        with pytest.raises(InvalidTensor, match="announces 8 bytes"):
            self.read(ROWS, content, None)

    def test_shared_memory_is_refused(self):
        tensor = raw_tensor(8) | {"parameters": {"shared_memory_region": "r"}}

        with pytest.raises(InvalidTensor, match="shared memory"):
            arrays(ROWS, json.dumps({"inputs": [tensor]}).encode())

    def test_a_body_without_json_is_one_row(self):
        request = RequestDecoder(ROWS).decode(np.array([1, 2], np.float32).tobytes(), 0)

        inputs, rows = Signature(ROWS, 100).arrays(request.inputs)
        assert (inputs["features"].tolist(), rows) == ([[1, 2]], 1)
        assert request.outer.is_raw("y")

    def test_a_body_without_json_needs_a_model_of_one_input(self):
        with pytest.raises(BodyUnreadable, match="raw data alone"):
            RequestDecoder(MIXED).decode(bytes(8), 0)

    @pytest.mark.parametrize("length", ["-1", "1.5", "x", "9" * 30, "11", "\u0661"])
    def test_a_length_that_cannot_be_is_refused(self, length):
        with pytest.raises(BodyUnreadable, match="10 bytes"):
            json_length(length, 10)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
tensors = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["features", "image", "x", "text"]) | json_values,
        "shape": st.lists(st.integers(-3, 5) | st.integers(), max_size=4) | json_values,
        "datatype": st.sampled_from(["FP32", "UINT8", "BYTES"]) | json_values,
        "data": st.lists(st.floats() | st.integers(-5, 300) | st.none(), max_size=8) | json_values,
    }
)


class TestAnyInput:
    """Whatever arrives, the caller gets an answer or an error of the tree."""

    @given(st.sampled_from([ROWS, PIXELS, MIXED]), st.lists(tensors, max_size=3))
    def test_any_json_is_answered_or_refused(self, bundle, inputs):
        self.check(bundle, json.dumps({"inputs": inputs}).encode())

    @given(st.sampled_from([ROWS, PIXELS, MIXED]), json_values)
    def test_any_document_is_answered_or_refused(self, bundle, document):
        self.check(bundle, json.dumps(document).encode())

    @given(st.binary(max_size=200))
    def test_any_bytes_are_refused(self, content):
        self.check(ROWS, content)

    def check(self, bundle, content):
        try:
            inputs, rows = arrays(bundle, content)
        except PileusError as error:
            msgspec.json.encode(error.to_wire())
        else:
            assert all(array.shape[0] == rows >= 1 for array in inputs.values())


class TestEncodeAnswer:
    def test_arrays_and_labels_are_flat(self):
        outputs = [
            AnswerTensor("p", "FP32", np.array([[0.5, 0.5]], np.float32)),
            AnswerTensor("half", "FP16", np.array([1.5], np.float16)),
            AnswerTensor("brain", "BF16", np.array([1.5], DATATYPES["BF16"].numpy)),
            AnswerTensor("big", "UINT64", np.array([2**64 - 1], np.uint64)),
            AnswerTensor("ok", "BOOL", np.array([True])),
            AnswerTensor("label", "BYTES", np.array(["é"], np.object_)),
        ]

        request = RequestDecoder(ROWS).decode(body([1, 2], id="mine")).outer

        content, length = encode_answer("flowers", 3, "prd_x", request, outputs)

        document = json.loads(content)
        assert length is None
        assert document["model_name"] == "flowers"
        assert document["model_version"] == "3"
        assert document["id"] == "mine"
        assert document["parameters"] == {"prediction_id": "prd_x"}
        assert [output["data"] for output in document["outputs"]] == [
            [0.5, 0.5],
            [1.5],
            [1.5],
            [2**64 - 1],
            [True],
            ["é"],
        ]
        assert document["outputs"][0]["shape"] == [1, 2]

    def test_each_output_in_the_form_that_is_wanted(self):
        outputs = [
            AnswerTensor("p", "FP32", np.array([[0.5, 2]], np.float32)),
            AnswerTensor("label", "BYTES", np.array(["é"], np.object_)),
            AnswerTensor("ok", "BOOL", np.array([True])),
        ]
        wanted = [{"name": "ok", "parameters": {"binary_data": False}}]
        asked = body([1, 2], outputs=wanted, parameters={"binary_data_output": True})

        content, length = encode_answer(
            "flowers", 3, "prd_x", RequestDecoder(ROWS).decode(asked).outer, outputs
        )

        document = json.loads(content[:length])
        assert [output.get("parameters") for output in document["outputs"]] == [
            {"binary_data_size": 8},
            {"binary_data_size": 6},
            None,
        ]
        assert document["outputs"][2]["data"] == [True]
        assert (
            content[length:]
            == np.array([0.5, 2], np.float32).tobytes() + b"\2\0\0\0" + "é".encode()
        )
