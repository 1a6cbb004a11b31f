import pytest

from pileus.inference.bundle import Bundle, InputSpec, OutputSpec
from pileus.inference.errors import InvalidTensor
from pileus.inference.texts import text_tensor

OUTPUT = OutputSpec("y", "FP32", (-1, 1))


def bundle(*inputs):
    return Bundle(1, "model.onnx", "classification", inputs, (OUTPUT,))


@pytest.mark.parametrize("shape, expected", [((-1,), (1,)), ((-1, 1), (1, 1))])
def test_a_text_is_one_row(shape, expected):
    tensor = text_tensor(bundle(InputSpec("text", "BYTES", shape, "text")), "é\n".encode())

    assert tensor == ("text", "BYTES", expected, ("é\n",))


def test_what_is_not_utf_8_is_refused():
    with pytest.raises(InvalidTensor, match="UTF-8"):
        text_tensor(bundle(InputSpec("text", "BYTES", (-1,), "text")), b"\xff")


def test_a_model_that_declares_no_text_refuses_it():
    with pytest.raises(InvalidTensor, match=r"\['words'\], not one text"):
        text_tensor(bundle(InputSpec("words", "BYTES", (-1,))), b"x")
