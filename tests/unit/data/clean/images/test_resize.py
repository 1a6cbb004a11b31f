import io

import numpy as np
import pytest
from PIL import Image

from tests.unit.data.build import encoded


@pytest.fixture
def wide(pets):
    """A white picture, twice as wide as high."""
    white = np.full((20, 40, 3), 255, dtype=np.uint8)
    (pets / "cat" / "wide.png").write_bytes(encoded(white))
    return "cat/wide.png"


class TestResize:
    @pytest.mark.parametrize("how,corner", [("fit", 0), ("crop", 255), ("stretch", 255)])
    def test_every_image_has_the_size(self, cleaned, files, wide, how, corner):
        found = files(cleaned({"step": "resize", "width": 10, "height": 10, "how": how}))

        opened = {path: Image.open(io.BytesIO(data)) for path, data in found.items()}
        assert {image.size for image in opened.values()} == {(10, 10)}
        assert opened[wide].getpixel((5, 5)) == (255, 255, 255)
        assert opened[wide].getpixel((0, 0)) == (corner,) * 3
