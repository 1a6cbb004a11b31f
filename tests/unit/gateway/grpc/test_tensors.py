import numpy as np
import pytest

from pileus.core.errors import PileusError
from pileus.gateway.grpc.messages import message
from pileus.gateway.grpc.tensors import add_outputs, inputs_of, wanted_of
from pileus.inference.dataplane import AnswerTensor, Wanted

Request = message("ModelInferRequest")
Response = message("ModelInferResponse")


def request(datatype="FP32", raw=(), **contents):
    made = Request(model_name="m", raw_input_contents=raw)
    tensor = made.inputs.add(name="x", datatype=datatype, shape=[1, 2])
    for field, elements in contents.items():
        getattr(tensor.contents, field).extend(elements)
    return made


class TestInputsOf:
    @pytest.mark.parametrize(
        "datatype, field, elements",
        [
            ("BOOL", "bool_contents", [True, False]),
            ("UINT8", "uint_contents", [1, 2]),
            ("UINT64", "uint64_contents", [1, 2**64 - 1]),
            ("INT16", "int_contents", [-1, 2]),
            ("INT64", "int64_contents", [-(2**63), 2]),
            ("FP32", "fp32_contents", [0.5, 2.0]),
            ("FP64", "fp64_contents", [0.1, 2.0]),
        ],
    )
    def test_elements_in_the_field_of_their_type(self, datatype, field, elements):
        (tensor,) = inputs_of(request(datatype, **{field: elements}))

        assert (tensor.name, list(tensor.shape), tensor.datatype) == ("x", [1, 2], datatype)
        assert tensor.data == elements

    def test_bytes_are_text(self):
        (tensor,) = inputs_of(request("BYTES", bytes_contents=["é".encode(), b""]))

        assert tensor.data == ["é", ""]

    def test_raw_contents_stay_as_they_are(self):
        (tensor,) = inputs_of(request(raw=[bytes(8)]))

        assert tensor.data == bytes(8)

    @pytest.mark.parametrize(
        "made, said",
        [
            (request("FP32", int_contents=[1, 2]), r"elements in \['int_contents'\]"),
            (request("FP16", fp32_contents=[1, 2]), "no raw contents"),
            (request("X"), "no raw contents"),
            (request(raw=[b"", b""]), "1 inputs, and raw contents of 2"),
            (request(raw=[bytes(8)], fp32_contents=[1, 2]), "raw contents too"),
            (request("BYTES", bytes_contents=[b"\xff", b""]), "not UTF-8"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, made, said):
        with pytest.raises(PileusError, match=said):
            inputs_of(made)

    def test_shared_memory_is_refused(self):
        made = request()
        made.inputs[0].parameters["shared_memory_region"].string_param = "r"

        with pytest.raises(PileusError, match="shared memory"):
            inputs_of(made)


def test_wanted_outputs_and_their_classes():
    made = request()
    made.outputs.add(name="y")
    made.outputs.add(name="p").parameters["classification"].int64_param = 3

    assert wanted_of(made) == [Wanted("y"), Wanted("p", 3)]


class TestAddOutputs:
    OUTPUTS = (
        AnswerTensor("p", "FP32", np.array([[0.5, 2]], np.float32)),
        AnswerTensor("n", "INT8", np.array([-1], np.int8)),
        AnswerTensor("label", "BYTES", np.array(["é"], np.object_)),
    )

    def test_in_the_fields_of_their_types(self):
        response = Response()

        add_outputs(response, self.OUTPUTS, raw=False)

        first, second, third = (output.contents for output in response.outputs)
        assert list(first.fp32_contents) == [0.5, 2]
        assert list(second.int_contents) == [-1]
        assert list(third.bytes_contents) == ["é".encode()]
        assert not response.raw_output_contents
        assert list(response.outputs[0].shape) == [1, 2]

    def test_raw(self):
        response = Response()

        add_outputs(response, self.OUTPUTS, raw=True)

        assert list(response.raw_output_contents) == [
            np.array([0.5, 2], np.float32).tobytes(),
            b"\xff",
            b"\x02\0\0\0" + "é".encode(),
        ]

    def test_what_has_no_field_makes_all_of_them_raw(self):
        response = Response()

        add_outputs(
            response,
            [*self.OUTPUTS, AnswerTensor("h", "FP16", np.array([1], np.float16))],
            raw=False,
        )

        assert len(response.raw_output_contents) == 4
        assert not response.outputs[0].HasField("contents")
