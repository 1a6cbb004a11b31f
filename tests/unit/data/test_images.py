import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from pileus.data import image_facts, images
from pileus.data.errors import ImageDamaged, ImageTooLarge
from tests.unit.data.build import encoded, pixels, png


class TestDecode:
    def test_a_png_comes_back_pixel_for_pixel(self):
        array = pixels()

        assert np.array_equal(images.decode(encoded(array), "RGB"), array)

    def test_grey_has_one_channel(self):
        assert images.decode(png(), "L").shape == (6, 5, 1)

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM"])
    def test_every_format_is_read(self, form):
        assert images.decode(encoded(pixels(), form)).shape == (6, 5, 3)

    def test_a_format_that_is_not_listed_is_refused(self):
        with pytest.raises(ImageDamaged, match="not an image"):
            images.decode(encoded(pixels(), "TGA"))

    def test_an_image_taken_sideways_stands_upright(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        array = pixels()

        upright = images.decode(encoded(array, "PNG", exif=exif.tobytes()))

        assert np.array_equal(upright, np.rot90(array, -1))

    def test_a_tiff_is_turned_once(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        array = pixels()

        upright = images.decode(encoded(array, "TIFF", exif=exif))

        assert np.array_equal(upright, np.rot90(array, -1))

    # The filter that images.py sets stands behind that of the test run.
    @pytest.mark.filterwarnings("ignore:Corrupt EXIF")
    def test_broken_exif_leaves_the_pixels(self):
        data = encoded(pixels(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff")

        assert images.decode(data).shape == (6, 5, 3)

    def test_sixteen_bits_become_eight(self):
        array = np.array([[0, 257, 65535, 32896]], dtype=np.uint16)

        decoded = images.decode(encoded(array), "L")

        assert decoded[0, :, 0].tolist() == [0, 1, 255, 128]

    def test_a_sixteen_bit_pgm_becomes_eight(self):
        data = b"P5\n2 1\n65535\n\x00\x00\xff\xff"

        assert images.decode(data, "L")[0, :, 0].tolist() == [0, 255]

    def test_what_is_transparent_shows_white(self):
        array = np.zeros((2, 2, 4), dtype=np.uint8)
        array[0, 0] = (10, 20, 30, 255)

        decoded = images.decode(encoded(array))

        assert decoded[0, 0].tolist() == [10, 20, 30]
        assert decoded[1, 1].tolist() == [255, 255, 255]

    def test_palettes_show_their_colours(self):
        image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "L").convert("P")
        image.putpalette([1, 2, 3, 40, 50, 60])
        stream = io.BytesIO()
        image.save(stream, "PNG", transparency=bytes([255, 0]))

        assert images.decode(stream.getvalue()).tolist() == [[[1, 2, 3], [255, 255, 255]]]

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "CMYK", "YCbCr", "I;16"])
    @pytest.mark.parametrize("wanted", ["L", "RGB"])
    def test_other_modes_are_converted(self, mode, wanted):
        stream = io.BytesIO()
        Image.new(mode, (3, 2)).save(stream, "TIFF")

        assert images.decode(stream.getvalue(), wanted).shape == (2, 3, len(wanted))

    def test_floating_point_pixels_are_refused(self):
        stream = io.BytesIO()
        Image.new("F", (3, 2)).save(stream, "TIFF")

        with pytest.raises(ImageDamaged, match="floating-point"):
            images.decode(stream.getvalue())

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM"])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_truncated_image_is_damaged(self, form, share):
        data = encoded(pixels(size=(40, 40)), form)

        with pytest.raises(ImageDamaged, match="cats/1"):
            images.decode(data[: int(len(data) * share)], "RGB", "cats/1")

    def test_no_bytes_are_damaged(self):
        with pytest.raises(ImageDamaged, match="empty"):
            images.decode(b"")

    def test_a_bomb_is_refused_before_it_is_decoded(self):
        header = b"P5\n60000 60000\n255\n"

        with pytest.raises(ImageTooLarge, match="pixels"):
            images.decode(header)

    def test_a_lesser_bomb_is_refused_too(self):
        with pytest.raises(ImageTooLarge):
            images.decode(b"P5\n10000 10000\n255\n")

    def test_a_plain_pgm_gives_what_pillow_gives(self):
        array = pixels(channels=1)
        data = encoded(array, "PPM")

        assert np.array_equal(images.decode(data, "L")[:, :, 0], array)
        assert np.array_equal(images.decode(data, "RGB"), np.repeat(array[:, :, None], 3, axis=2))


class TestCheck:
    def test_says_what_the_image_is(self):
        assert image_facts.check(png()) == ("RGB", 5, 6)

    def test_sizes_are_those_of_the_upright_image(self):
        exif = Image.Exif()
        exif[0x0112] = 8

        facts = image_facts.check(encoded(pixels(), "JPEG", exif=exif.tobytes()))

        assert (facts.width, facts.height) == (6, 5)


class TestResize:
    @pytest.mark.parametrize("channels", [1, 3])
    def test_gives_the_size(self, channels):
        array = np.zeros((9, 7, channels), dtype=np.uint8)

        assert images.resize(array, (4, 5)).shape == (4, 5, channels)

    def test_a_thin_line_survives(self):
        array = np.zeros((40, 40, 1), dtype=np.uint8)
        array[:, 21] = 255

        assert images.resize(array, (4, 4)).max() > 10


class TestImports:
    def test_pillow_and_numpy_are_all_it_takes(self):
        code = (
            "import sys, pileus.data.images; "
            "print([m for m in ('msgspec', 'pydantic', 'torch', 'sqlalchemy') if m in sys.modules])"
        )

        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

        assert out.stdout.strip() == b"[]"

    @pytest.mark.parametrize(
        "form, readers", [("JPEG", "[]"), ("WEBP", "['TiffImagePlugin']")], ids=["jpeg", "webp"]
    )
    def test_readers_are_loaded_that_are_needed(self, form, readers):
        code = (
            "import sys, pileus.data.image_facts as f; f.check(sys.stdin.buffer.read()); "
            "names = ('TiffImagePlugin', 'EpsImagePlugin', 'AvifImagePlugin'); "
            "print([name for name in names if 'PIL.' + name in sys.modules])"
        )
        data = encoded(pixels(), form)

        out = subprocess.run(
            [sys.executable, "-c", code], input=data, capture_output=True, check=True
        )

        assert out.stdout.decode().strip() == readers
