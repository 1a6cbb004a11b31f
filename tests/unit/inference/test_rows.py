import pytest

from pileus.inference.bundle import Bundle, Column, InputSpec, OutputSpec
from pileus.inference.errors import InvalidTensor
from pileus.inference.rows import takes_rows, tensor_of_csv, tensor_of_json
from pileus.inference.signature import Signature

COLUMNS = (Column("age", "number"), Column("colour", "category", ("blue", "red")))
OUTPUT = OutputSpec("y", "FP32", (-1, 1))
PEOPLE = Bundle(
    1,
    "model.onnx",
    "regression",
    (InputSpec("features", "FP32", (-1, 2), "row", columns=COLUMNS),),
    (OUTPUT,),
)
PLAIN = Bundle(1, "model.onnx", "regression", (InputSpec("x", "FP32", (-1, 2)),), (OUTPUT,))


class TestTensorOfJson:
    def test_a_row_is_put_in_the_models_order_and_its_categories_coded(self):
        tensor = tensor_of_json(PEOPLE, b'{"colour": "red", "age": 4}')

        assert (tensor.name, tensor.datatype, tensor.shape) == ("features", "FP32", (1, 2))
        assert tensor.data == [4.0, 1.0]

    def test_several_rows_fit_the_signature(self):
        tensor = tensor_of_json(
            PEOPLE, b'[{"colour": "red", "age": 4}, {"colour": "", "age": null}]'
        )

        arrays, rows = Signature(PEOPLE, 10).arrays([tensor])
        assert rows == 2
        assert arrays["features"][0].tolist() == [4.0, 1.0]
        assert arrays["features"][1, 1] == -1

    def test_what_is_missing_or_unseen_is_marked(self):
        assert tensor_of_json(PEOPLE, b'{"colour": "green", "age": ""}').data == [None, -1.0]

    @pytest.mark.parametrize("age", ['"old"', "[1]", "{}", "1" + "0" * 400])
    def test_what_is_no_number_is_refused(self, age):
        with pytest.raises(InvalidTensor, match="in column 'age' is not a number"):
            tensor_of_json(PEOPLE, f'{{"age": {age}, "colour": "red"}}'.encode())

    def test_a_column_that_is_not_there_is_named_not_guessed(self):
        with pytest.raises(
            InvalidTensor, match=r"lacks the model's columns \['colour'\]"
        ) as caught:
            tensor_of_json(PEOPLE, b'{"age": 1, "color": "red"}')

        assert "age, colour" in (caught.value.hint or "")

    def test_columns_that_the_model_does_not_know_are_passed_over(self):
        assert tensor_of_json(PEOPLE, b'{"age": 1, "colour": "red", "label": "x"}').data == [1, 1]

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"1", b"null", b"[1]", b'[{"age": 1}, 2]', b"\xff"]
    )
    def test_what_is_no_row_is_refused(self, body):
        with pytest.raises(InvalidTensor):
            tensor_of_json(PEOPLE, body)

    def test_no_row_is_said_to_be_none(self):
        with pytest.raises(InvalidTensor, match="no row"):
            tensor_of_json(PEOPLE, b"[]")

    def test_a_model_without_named_columns_refuses_rows(self):
        assert not takes_rows(PLAIN)
        with pytest.raises(InvalidTensor, match="not rows of named columns"):
            tensor_of_json(PLAIN, b'{"age": 1}')


class TestTensorOfCsv:
    def test_a_file_with_a_byte_order_mark(self):
        tensor = tensor_of_csv(PEOPLE, b"\xef\xbb\xbfcolour,age\nred,4\n,\n")

        assert (tensor.shape, tensor.data) == ((2, 2), [4.0, 1.0, None, -1.0])

    @pytest.mark.parametrize("row", ["4", "4,red,more"])
    def test_a_ragged_line_is_refused_with_its_number(self, row):
        with pytest.raises(InvalidTensor, match=r"Line 3 of the CSV: \d cells for 2 columns"):
            tensor_of_csv(PEOPLE, f"age,colour\n4,red\n{row}\n".encode())

    @pytest.mark.parametrize("body", [b"", b"age,colour\n", b"\xff\xfe", b'age,colour\n"4'])
    def test_what_has_no_row_is_refused(self, body):
        with pytest.raises(InvalidTensor):
            tensor_of_csv(PEOPLE, body)
