import numpy as np
import torch
from PIL import Image
from torch import nn

from pileus.data.schema import Column
from pileus.training.preparation import ImageInput, ImageScaling, Regressor, TableScaling

COLUMNS = (
    Column("age", "number"),
    Column("colour", "category", values=("blue", "green", "red")),
    Column("same", "number"),
)


class TestImageScaling:
    def test_each_channel_gets_mean_0_and_deviation_1(self):
        pixels = torch.randint(0, 256, (5000, 3, 4, 4), dtype=torch.uint8)
        pixels[:, 1] //= 4

        scaled = ImageScaling.of(pixels)(pixels.float())

        assert torch.allclose(scaled.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4)
        assert torch.allclose(scaled.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-3)

    def test_images_without_any_contrast_stay_finite(self):
        pixels = torch.full((3, 1, 4, 4), 255, dtype=torch.uint8)

        assert ImageScaling.of(pixels)(pixels.float()).abs().max() < 1e-5


class TestImageInput:
    def test_it_shrinks_as_pillow_does(self):
        pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)

        ours = ImageInput((8, 8))(torch.from_numpy(pixels)[None])[0].permute(1, 2, 0).numpy()

        theirs = np.asarray(Image.fromarray(pixels).resize((8, 8), Image.Resampling.BILINEAR))
        assert np.abs(ours - theirs).max() <= 1.0


class TestTableScaling:
    def test_numbers_are_standardised_and_categories_become_blocks(self):
        features = torch.tensor([[1.0, 0, 5], [3.0, 2, 5]])
        scaling = TableScaling.of(COLUMNS, features)

        rows = scaling(features)

        assert scaling.width == 5
        assert rows.tolist() == [[-1, 0, 1, 0, 0], [1, 0, 0, 0, 1]]

    def test_a_gap_becomes_the_mean_and_an_unknown_category_nothing(self):
        scaling = TableScaling.of(COLUMNS, torch.tensor([[1.0, 0, 5], [3.0, 2, 5]]))
        nan = float("nan")

        rows = scaling(torch.tensor([[nan, -1, nan], [nan, nan, nan]]))

        assert rows.tolist() == [[0.0] * 5] * 2

    def test_a_column_without_any_number_is_left_at_zero(self):
        scaling = TableScaling.of(COLUMNS[:1], torch.full((4, 1), float("nan")))

        assert scaling(torch.full((2, 1), float("nan"))).tolist() == [[0.0], [0.0]]


class TestRegressor:
    def test_values_come_back_in_the_unit_of_the_label(self):
        model = Regressor(nn.Identity(), nn.Identity(), torch.tensor(100.0), torch.tensor(10.0))

        assert model(torch.tensor([[0.0], [1.5]])).tolist() == [[100.0], [115.0]]
