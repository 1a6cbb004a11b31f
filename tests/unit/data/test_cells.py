import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pileus.data.cells import are_numbers, is_missing, number, plain_rows, row_bytes


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


class TestAreNumbers:
    @pytest.mark.parametrize("cells", [[], ["", "1"], ["-1.5", "+2e3", ".5", "7."], [" 1 "]])
    def test_what_surely_are(self, cells):
        assert are_numbers(cells)

    @pytest.mark.parametrize(
        "cell", ["NA", "1_000", "1 2", "-", "e", "1.2.3", "nan", "inf", "1e400", "-4e38", "１"]
    )
    def test_what_is_not_or_has_to_be_looked_at(self, cell):
        assert not are_numbers(["1", cell])

    @given(st.text("0123456789.+-eE _naif", max_size=8))
    def test_whatever_is_taken_is_a_number(self, cell):
        if are_numbers([cell]) and cell:
            assert number(cell) is not None


class TestPlainRows:
    @given(st.lists(st.lists(st.text('ab, "\n\r\0é', max_size=4), min_size=2, max_size=2)))
    def test_is_row_bytes_of_each_or_nothing(self, rows):
        found = plain_rows(rows, 2)

        assert found is None or found == [row_bytes(row) for row in rows]

    def test_most_tables_are_plain(self):
        assert plain_rows([["1", "é"], ["", "x y"]], 2) == [b"1,\xc3\xa9\n", b",x y\n"]
        assert plain_rows([["1", "2"], ["3"]], 2) is None
