import torch

from pileus.training.augmentation import light


class TestLight:
    def test_the_generator_alone_decides(self):
        images = torch.rand(6, 1, 8, 8)

        same = [light(images, torch.Generator().manual_seed(1)) for _ in range(2)]

        assert torch.equal(*same)
        assert not torch.equal(same[0], light(images, torch.Generator().manual_seed(2)))

    def test_images_change_a_little_and_keep_their_range(self):
        images = torch.zeros(200, 1, 16, 16)
        images[:, :, 4:12, 4:12] = 255

        changed = light(images, torch.Generator().manual_seed(0))

        assert changed.shape == images.shape
        assert changed.min() >= 0
        assert changed.max() <= 255.001
        assert (changed[:, :, 7:9, 7:9] > 200).all()
        assert not torch.equal(changed, images)
