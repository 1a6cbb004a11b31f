import random
import zlib

import pytest

from pileus.data import image_facts
from pileus.data.errors import ImageDamaged
from pileus.data.plain_png import plain_png
from tests.unit.data.build import encoded, pixels, png


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB")])
@pytest.mark.parametrize("options", [{}, {"compress_level": 0}, {"optimize": True}])
def test_says_of_a_plain_file_what_pillow_says(channels, mode, options):
    data = encoded(pixels(size=(300, 200), channels=channels), **options)

    assert plain_png(data) == (mode, 200, 300)
    assert image_facts.open_image(data, "it").size == (200, 300)


def test_leaves_other_kinds_to_pillow():
    data = encoded(pixels(channels=4))

    assert plain_png(data) is None
    assert image_facts.check(data).mode == "RGBA"


@pytest.mark.parametrize("seed", range(20))
def test_a_changed_byte_is_never_taken_for_a_whole_file(seed):
    data = bytearray(png(size=(20, 20)))
    at = random.Random(seed).randrange(len(data))
    data[at] ^= 1 << random.Random(seed).randrange(8)

    assert plain_png(bytes(data)) is None


def test_a_file_cut_off_anywhere_is_not_whole():
    data = png()

    assert [end for end in range(len(data)) if plain_png(data[:end])] == []


def test_pixels_that_end_early_are_damage():
    data = png(size=(20, 20))
    start = data.index(b"IDAT")
    packed = zlib.compress(zlib.decompress(data[start + 4 : -16])[:-1])
    chunk = b"IDAT" + packed
    cut = data[: start - 4] + len(packed).to_bytes(4, "big") + chunk
    cut += zlib.crc32(chunk).to_bytes(4, "big") + data[-12:]

    assert plain_png(cut) is None
    with pytest.raises(ImageDamaged):
        image_facts.check(cut, "a.png")
