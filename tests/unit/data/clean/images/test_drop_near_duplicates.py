import numpy as np
import pytest

from tests.unit.data.build import encoded


@pytest.fixture
def scene():
    """A picture with shapes, as a photograph has them."""
    rows, columns = np.mgrid[0:64, 0:64]
    waves = np.sin(rows / 9) + np.cos(columns / 7) + np.sin((rows + columns) / 11)
    return ((waves - waves.min()) / np.ptp(waves) * 255).astype(np.uint8)


class TestDropNearDuplicates:
    @pytest.mark.parametrize("by", ["dhash", "phash"])
    def test_a_copy_in_another_format_and_size_goes(self, cleaned, pets, files, scene, by):
        (pets / "cat" / "scene.png").write_bytes(encoded(scene))
        (pets / "cat" / "scene.jpg").write_bytes(encoded(scene[::2, ::2], "JPEG", quality=80))
        (pets / "cat" / "mirror.png").write_bytes(encoded(scene[:, ::-1].copy()))
        step = {"step": "drop_near_duplicate_images", "hash": by, "distance": 4}

        found = cleaned(step)

        kept = {path for path in files(found) if "scene" in path or "mirror" in path}
        assert len(kept) == 2
        assert "cat/mirror.png" in kept

    def test_classes_are_apart_unless_asked_for(self, cleaned, pets, scene):
        for name in ("cat", "dog"):
            (pets / name / "scene.png").write_bytes(encoded(scene))
        step = {"step": "drop_near_duplicate_images", "distance": 0}

        assert cleaned(step).step["rows_out"] == 26
        assert cleaned(step | {"across_classes": True}).step["rows_out"] == 25
