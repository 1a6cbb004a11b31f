import pytest

from pileus.training.catalogue import configure
from pileus.training.plan import chosen, complete, image_size


class TestComplete:
    @pytest.mark.parametrize(
        "rows,epochs,batch_size,augmentation",
        [(1_300, 40, 64, "light"), (54_000, 5, 128, "none"), (1_000_000, 4, 128, "none")],
    )
    def test_many_rows_have_few_epochs(self, rows, epochs, batch_size, augmentation):
        config = complete(configure("cnn", {}), rows)

        assert chosen(config) == (epochs, batch_size, 3e-3)
        assert config.augmentation == augmentation

    def test_what_was_given_stays(self):
        given = {"epochs": 2, "batch_size": 7, "learning_rate": 0.5, "augmentation": "none"}

        config = complete(configure("cnn", given), 1_000)

        assert config.model_dump(include=set(given)) == given

    def test_a_configuration_with_open_fields_is_no_plan(self):
        with pytest.raises(ValueError, match="not completed"):
            chosen(configure("cnn", {}))


class TestImageSize:
    @pytest.mark.parametrize(
        "sizes,expected",
        [
            ([(8, 8, 1797)], (8, 8)),
            ([(32, 24, 9), (640, 480, 2)], (24, 32)),
            ([(224, 168, 196)], (64, 64)),
        ],
    )
    def test_small_images_keep_their_size_and_photos_become_64_a_side(self, sizes, expected):
        assert image_size(configure("cnn", {}), sizes) == expected

    def test_a_size_that_was_asked_for_is_used(self):
        assert image_size(configure("cnn", {"image_size": 96}), [(8, 8, 3)]) == (96, 96)
