import pytest
import torch

from pileus.training.errors import UnsuitableData
from pileus.training.recipes.cnn.model import Cnn, build
from pileus.training.recipes.cnn.recipe import recipe


class TestCnn:
    @pytest.mark.parametrize(
        "height,width,dense", [(4, 4, 64), (8, 8, 256), (21, 30, 64 * 5 * 7), (22, 22, 64 * 16)]
    )
    def test_images_are_padded_below_22_pixels_a_side(self, height, width, dense):
        network = Cnn(1, height, width, 10)

        assert network.classifier[1].in_features == dense
        assert network(torch.zeros(2, 1, height, width)).shape == (2, 10)

    def test_it_is_the_network_of_mnist(self):
        network = Cnn(1, 28, 28, 10)

        assert sum(parameter.numel() for parameter in network.parameters()) == 225_034


class TestBuild:
    def test_images_that_pooling_would_use_up_are_refused(self):
        with pytest.raises(UnsuitableData, match="Images of 8x3 pixels") as caught:
            build(recipe({}), (1, 3, 8), 2)

        assert "--image-size 8" in str(caught.value.hint)

    def test_a_table_is_refused(self):
        with pytest.raises(UnsuitableData, match="this dataset is a table"):
            build(recipe({}), (30,), 2)
