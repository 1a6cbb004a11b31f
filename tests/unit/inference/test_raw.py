import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.inference.datatypes import DATATYPES
from pileus.inference.raw import array_of, raw_of


class TestArrayOf:
    def test_elements_are_little_endian(self):
        assert array_of(DATATYPES["INT16"], b"\x01\x00\xff\xff", 2).tolist() == [1, -1]

    def test_a_byte_of_bool_that_is_neither(self):
        with pytest.raises(ValueError, match="neither 0 nor 1"):
            array_of(DATATYPES["BOOL"], b"\x01\x02", 2)

    @pytest.mark.parametrize(
        "raw, elements, said",
        [
            (b"", 1, "1 elements are announced, but 0 are there"),
            (b"\x01\0\0", 1, "but 0 are there"),
            (b"\x02\0\0\0a", 1, "ends 1 bytes after"),
            (b"\xff\xff\xff\xffa", 1, "after the data"),
            (b"\x01\0\0\0ab", 1, "1 bytes are left"),
            (b"\x01\0\0\0\xff", 1, "not UTF-8"),
        ],
    )
    def test_strings_that_do_not_fit(self, raw, elements, said):
        with pytest.raises(ValueError, match=said):
            array_of(DATATYPES["BYTES"], raw, elements)

    @given(st.sampled_from(sorted(DATATYPES)), st.binary(max_size=40), st.integers(1, 12))
    def test_any_bytes_are_an_array_or_a_value_error(self, name, raw, elements):
        try:
            array = array_of(DATATYPES[name], memoryview(raw), elements)
        except ValueError:
            return
        assert array.shape == (elements,)
        assert raw_of(name, array) == raw


class TestRawOf:
    @given(st.lists(st.text(max_size=5), min_size=1, max_size=5))
    def test_strings_come_back(self, strings):
        raw = raw_of("BYTES", np.array(strings, np.object_))

        assert array_of(DATATYPES["BYTES"], raw, len(strings)).tolist() == strings

    def test_rows_follow_each_other(self):
        turned = np.array([[1, 2], [3, 4]], np.uint8).T

        assert raw_of("UINT8", turned) == bytes([1, 3, 2, 4])
