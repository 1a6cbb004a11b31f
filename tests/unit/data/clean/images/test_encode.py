import pytest

from tests.unit.data.build import encoded, pixels

STARTS = {"png": b"\x89PNG", "jpeg": b"\xff\xd8", "webp": b"RIFF", "pgm": b"P5"}
ENDS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "pgm": ".pgm"}


class TestEncode:
    @pytest.mark.parametrize("form", list(STARTS))
    def test_every_image_has_the_format_and_a_name_that_says_so(self, cleaned, files, form):
        found = files(cleaned({"step": "encode", "format": form}))

        assert len(found) == 24
        assert all(data.startswith(STARTS[form]) for data in found.values())
        assert all(path.endswith(ENDS[form]) for path in found)

    def test_a_lower_quality_is_a_smaller_file(self, cleaned):
        low, high = (
            cleaned({"step": "encode", "format": "jpeg", "quality": quality})
            for quality in (10, 95)
        )

        assert low.manifest.size_bytes < high.manifest.size_bytes

    def test_two_that_would_get_one_name_get_two(self, cleaned, pets, files):
        (pets / "cat" / "0.bmp").write_bytes(encoded(pixels(99), "BMP"))

        found = files(cleaned({"step": "encode", "format": "webp"}))

        assert {"cat/0.webp", "cat/1.webp"} < set(found)
        assert len([path for path in found if path.startswith("cat/0.")]) == 2
