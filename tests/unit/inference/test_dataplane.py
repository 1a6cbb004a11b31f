import asyncio
import io

import numpy as np
import pytest
from PIL import Image

from pileus.core.errors import PileusError
from pileus.inference.dataplane import Wanted, infer, infer_image
from pileus.inference.datatypes import DATATYPES
from pileus.inference.errors import BatchTooLarge, InferenceFailed, InvalidTensor
from pileus.inference.raw import raw_of
from tests.unit.inference.graphs import (
    ONNX_TYPES,
    write_echo_bundle,
    write_gather_bundle,
    write_image_bundle,
    write_rows_bundle,
)

SAMPLES = {
    "BOOL": [True, False],
    "FP16": [0.5, -2.0],
    "BF16": [0.5, -2.0],
    "FP32": [0.5, -2.0],
    "FP64": [0.1, -2.0],
    "BYTES": ["a", "é"],
}


@pytest.fixture
def rows(tmp_path, load):
    return load(write_rows_bundle(tmp_path / "rows"))


def png(width, height, level=200, mode="L"):
    stream = io.BytesIO()
    Image.new(mode, (width, height), level).save(stream, "PNG")
    return stream.getvalue()


class TestInfer:
    async def test_a_classifier_answers_with_labels(self, rows, sent):
        tensor = sent("features", "FP32", [2, 3], [9.0, 0.0, 0.0, 0.0, 0.0, 5.0])

        answer = await infer(rows, [tensor])

        assert [output.name for output in answer.outputs] == [
            "probabilities",
            "class_index",
            "label",
        ]
        assert answer.outputs[1].array.tolist() == [0, 2]
        assert answer.outputs[2].array.tolist() == ["small", "large"]
        assert (answer.rows, answer.batch) == (2, 2)

    async def test_a_missing_feature_is_a_value(self, rows, sent):
        answer = await infer(rows, [sent("features", "FP32", [1, 3], [None, 1.0, float("nan")])])

        assert answer.outputs[2].array.tolist() == ["middle"]

    async def test_only_the_wanted_outputs_return(self, rows, sent):
        tensor = sent("features", "FP32", [1, 3], [1.0, 2.0, 3.0])

        answer = await infer(rows, [tensor], [Wanted("label")])

        assert [output.name for output in answer.outputs] == ["label"]

    async def test_an_unknown_output_is_refused(self, rows, sent):
        with pytest.raises(InvalidTensor, match="no output 'colour'"):
            await infer(
                rows, [sent("features", "FP32", [1, 3], [1.0, 2.0, 3.0])], [Wanted("colour")]
            )

    @pytest.mark.parametrize("datatype", sorted(ONNX_TYPES))
    async def test_every_datatype_passes_unchanged(self, tmp_path, load, sent, datatype):
        model = load(write_echo_bundle(tmp_path, datatype))
        data = SAMPLES.get(datatype, [1, 100])

        answer = await infer(model, [sent("x", datatype, [1, 2], data)])

        assert answer.outputs[0].datatype == datatype
        assert answer.outputs[0].array.ravel().tolist() == data

    @pytest.mark.parametrize("datatype", sorted(ONNX_TYPES))
    async def test_every_datatype_passes_raw(self, tmp_path, load, sent, datatype):
        model = load(write_echo_bundle(tmp_path, datatype))
        data = SAMPLES.get(datatype, [1, 100])
        raw = raw_of(datatype, np.array([data], DATATYPES[datatype].numpy))

        answer = await infer(model, [sent("x", datatype, [1, 2], raw)])

        assert answer.outputs[0].array.ravel().tolist() == data
        assert raw_of(datatype, answer.outputs[0].array) == raw

    async def test_the_largest_classes_in_place_of_all(self, rows, sent):
        tensor = sent("features", "FP32", [2, 3], [9.0, 0.0, 9.0, 0.0, 0.0, 5.0])

        answer = await infer(rows, [tensor], [Wanted("probabilities", 2), Wanted("class_index")])

        probabilities, index = answer.outputs
        assert (probabilities.datatype, probabilities.array.shape) == ("BYTES", (2, 2))
        assert [text.split(":")[1:] for text in probabilities.array.ravel()] == [
            ["0", "small"],
            ["2", "large"],
            ["2", "large"],
            ["0", "small"],
        ], "equal scores come in the order of their classes"
        assert index.array.tolist() == [0, 2]

    @pytest.mark.parametrize("wanted", [Wanted("label", 1), Wanted("probabilities", -1)])
    async def test_classes_of_what_has_none_are_refused(self, rows, sent, wanted):
        with pytest.raises(InvalidTensor, match="largest classes"):
            await infer(rows, [sent("features", "FP32", [1, 3], [1.0, 2.0, 3.0])], [wanted])

    @pytest.mark.parametrize(
        "name, datatype, shape, data, said",
        [
            ("other", "FP32", [1, 3], [1.0] * 3, "no input 'other'"),
            ("features", "FP64", [1, 3], [1.0] * 3, "datatype 'FP64'"),
            ("features", "fp32", [1, 3], [1.0] * 3, "datatype 'fp32'"),
            ("features", "FP32", [3], [1.0] * 3, r"shape \[3\]"),
            ("features", "FP32", [], [], r"shape \[\]"),
            ("features", "FP32", [1, 4], [1.0] * 4, r"shape \[1, 4\]"),
            ("features", "FP32", [0, 3], [], "empty batch"),
            ("features", "FP32", [-1, 3], [1.0] * 3, r"shape \[-1, 3\]"),
            ("features", "FP32", [2, 3], [1.0] * 3, "that is 6 elements, but 3"),
            ("features", "FP32", [2**62, 3], [1.0] * 3, "elements, but 3"),
            ("features", "FP32", [1, 3], [1.0, 2.0, 1e300], "too large"),
            ("features", "FP32", [1, 3], [1.0, 2.0, float("inf")], "too large"),
        ],
    )
    async def test_a_tensor_that_does_not_fit_is_refused(
        self, rows, sent, name, datatype, shape, data, said
    ):
        with pytest.raises(InvalidTensor, match=said):
            await infer(rows, [sent(name, datatype, shape, data)])

    async def test_a_missing_input_is_refused(self, rows):
        with pytest.raises(InvalidTensor, match="lacks the inputs"):
            await infer(rows, [])

    async def test_an_input_given_twice_is_refused(self, rows, sent):
        tensor = sent("features", "FP32", [1, 3], [1.0, 2.0, 3.0])

        with pytest.raises(InvalidTensor, match="twice"):
            await infer(rows, [tensor, tensor])

    async def test_too_many_rows_are_refused(self, tmp_path, load, sent):
        model = load(write_rows_bundle(tmp_path), max_request_rows=4)

        with pytest.raises(BatchTooLarge, match="5 rows"):
            await infer(model, [sent("features", "FP32", [5, 3], [0.0] * 15)])

    async def test_not_a_number_is_refused_outside_of_tables(self, tmp_path, load, sent):
        model = load(write_echo_bundle(tmp_path, "FP32"))

        with pytest.raises(InvalidTensor, match="not a number"):
            await infer(model, [sent("x", "FP32", [1, 2], [float("nan"), 1.0])])

    @pytest.mark.parametrize("data", [[300, 1], [-1, 1], [2**70, 1]])
    async def test_a_pixel_out_of_range_is_refused(self, tmp_path, load, sent, data):
        model = load(write_echo_bundle(tmp_path, "UINT8"))

        with pytest.raises(InvalidTensor, match="'UINT8'"):
            await infer(model, [sent("x", "UINT8", [1, 2], data)])

    async def test_values_that_the_graph_refuses_are_the_callers_error(self, tmp_path, load, sent):
        model = load(write_gather_bundle(tmp_path))

        with pytest.raises(InferenceFailed, match="could not compute"):
            await infer(model, [sent("index", "INT64", [1], [99])])


class TestInferImage:
    async def test_an_image_of_any_size_is_read(self, tmp_path, load):
        model = load(write_image_bundle(tmp_path))

        answer = await infer_image(model, png(7, 5))

        assert answer.outputs[0].array.tolist() == [[200.0]]

    async def test_an_image_is_resized_when_the_signature_fixes_its_size(self, tmp_path, load):
        model = load(write_image_bundle(tmp_path, height=4, width=6))

        answer = await infer_image(model, png(30, 20))

        assert answer.outputs[0].array.tolist() == [[200.0]]

    async def test_a_colour_image_becomes_grey_for_a_grey_model(self, tmp_path, load):
        model = load(write_image_bundle(tmp_path))

        answer = await infer_image(model, png(3, 3, (200, 200, 200), "RGB"))

        assert answer.outputs[0].array.tolist() == [[200.0]]

    async def test_a_table_model_refuses_an_image(self, rows):
        with pytest.raises(InvalidTensor, match="not one image"):
            await infer_image(rows, png(3, 3))

    async def test_bytes_that_are_no_image_are_refused(self, tmp_path, load):
        model = load(write_image_bundle(tmp_path))

        with pytest.raises(PileusError):
            await infer_image(model, b"\x89PNG nothing")


class TestBatching:
    async def test_requests_that_wait_together_are_computed_together(self, rows, sent):
        tensors = [sent("features", "FP32", [1, 3], [float(i), 0.0, 1.0]) for i in range(5)]

        answers = await asyncio.gather(*(infer(rows, [tensor]) for tensor in tensors))

        assert [answer.batch for answer in answers] == [5] * 5
        assert [answer.outputs[2].array.tolist() for answer in answers] == [
            ["large"],
            ["small"],
            ["small"],
            ["small"],
            ["small"],
        ]

    async def test_a_batch_has_64_rows_at_most(self, rows, sent):
        tensors = [sent("features", "FP32", [10, 3], [1.0] * 30) for _ in range(13)]

        answers = await asyncio.gather(*(infer(rows, [tensor]) for tensor in tensors))

        assert [answer.batch for answer in answers] == [60] * 12 + [10]

    async def test_a_long_request_is_computed_in_pieces_and_answered_whole(self, rows, sent):
        data = np.arange(300, dtype=np.float64) % 7
        tensor = sent("features", "FP32", [100, 3], data.tolist())

        answer = await infer(rows, [tensor])

        expected = data.reshape(100, 3).argmax(axis=1)
        assert answer.rows == 100
        assert answer.outputs[1].array.tolist() == expected.tolist()

    async def test_images_of_other_sizes_wait_their_turn(self, tmp_path, load, sent):
        model = load(write_image_bundle(tmp_path))
        small = [sent("image", "UINT8", [1, 2, 2, 1], [4] * 4) for _ in range(2)]
        large = [sent("image", "UINT8", [1, 3, 3, 1], [9] * 9) for _ in range(2)]

        answers = await asyncio.gather(
            *(infer(model, [tensor]) for tensor in (small[0], large[0], small[1], large[1]))
        )

        assert [answer.batch for answer in answers] == [2] * 4
        assert [answer.outputs[0].array.item() for answer in answers] == [4.0, 9.0, 4.0, 9.0]

    async def test_one_bad_request_does_not_fail_its_neighbours(self, tmp_path, load, sent):
        model = load(write_gather_bundle(tmp_path))
        tensors = [sent("index", "INT64", [1], [index]) for index in (0, 99, 2)]

        answers = await asyncio.gather(
            *(infer(model, [tensor]) for tensor in tensors), return_exceptions=True
        )

        assert answers[0].outputs[0].array.tolist() == [10.0]
        assert isinstance(answers[1], InferenceFailed)
        assert answers[2].outputs[0].array.tolist() == [30.0]

    async def test_a_graph_of_fixed_rows_is_never_batched(self, tmp_path, load, sent):
        model = load(write_echo_bundle(tmp_path, "FP32", rows=1))
        tensors = [sent("x", "FP32", [1, 2], [1.0, 2.0]) for _ in range(3)]

        answers = await asyncio.gather(*(infer(model, [tensor]) for tensor in tensors))

        assert [answer.batch for answer in answers] == [1, 1, 1]

    async def test_a_cancelled_request_harms_nobody(self, rows, sent):
        tensors = [sent("features", "FP32", [1, 3], [1.0, 2.0, 3.0]) for _ in range(3)]
        tasks = [asyncio.create_task(infer(rows, [tensor])) for tensor in tensors]
        await asyncio.sleep(0)

        tasks[1].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)

        assert answers[0].outputs[2].array.tolist() == ["large"]
        assert isinstance(answers[1], asyncio.CancelledError)
        assert answers[2].outputs[2].array.tolist() == ["large"]
