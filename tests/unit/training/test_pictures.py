import pytest
from PIL import Image

from pileus.training.pictures import draw_confusion, draw_loss


class TestDrawLoss:
    @pytest.mark.parametrize("epochs", [1, 30])
    def test_it_is_a_picture(self, tmp_path, epochs):
        history = [{"train_loss": 1 / n, "validation_loss": 2 / n} for n in range(1, epochs + 1)]

        draw_loss(tmp_path / "loss.png", history, epochs)

        assert size_of(tmp_path / "loss.png") > (400, 300)


class TestDrawConfusion:
    @pytest.mark.parametrize("classes", [2, 10, 60])
    def test_any_number_of_classes_fits(self, tmp_path, classes):
        matrix = [[int(row == column) * 9 for column in range(classes)] for row in range(classes)]
        names = [f"class {index}" for index in range(classes)]

        draw_confusion(tmp_path / "confusion.png", matrix, names, 1.0)

        assert max(size_of(tmp_path / "confusion.png")) < 2000

    def test_class_names_may_look_like_formulas_or_be_long(self, tmp_path):
        names = ["$x_2^{", "a" * 200]

        draw_confusion(tmp_path / "confusion.png", [[1, 0], [0, 0]], names, 1.0)

        assert size_of(tmp_path / "confusion.png") < (1200, 1200)


def size_of(path):
    with Image.open(path) as picture:
        picture.load()
        return picture.size
