import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pileus.data.cells import is_missing, number, row_bytes


class TestNumber:
    @pytest.mark.parametrize("cell", ["1", "-1.5", "+.5", "2.", "1e3", " 7 ", "1E-4"])
    def test_numbers_are_read(self, cell):
        assert number(cell) == float(cell)

    @pytest.mark.parametrize(
        "cell", ["", "inf", "1_000", "1,5", "0x10", "1e400", "1e39", "٣", "nan"]
    )
    def test_other_texts_are_no_numbers(self, cell):
        assert number(cell) is None


class TestIsMissing:
    @pytest.mark.parametrize("cell", ["", " ", "NA", "NaN", "null", "?", "na "])
    def test_markers_are_missing(self, cell):
        assert is_missing(cell)

    def test_a_word_is_not(self):
        assert not is_missing("none")


class TestRowBytes:
    @settings(deadline=None)
    @given(
        st.lists(
            st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\0")),
            min_size=2,
        )
    )
    def test_csv_reads_it_back(self, cells):
        line = row_bytes(cells).decode()

        assert next(csv.reader(io.StringIO(line, newline=""), strict=True)) == cells

    def test_line_ends_inside_cells_are_one_kind(self):
        assert row_bytes(["a\r\nb", "c\rd"]) == b'"a\nb","c\nd"\n'
