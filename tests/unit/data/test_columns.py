from pileus.data.columns import ColumnReader
from pileus.data.schema import Column


def read(*cells):
    reader = ColumnReader("x")
    reader.see(cells)
    return reader


class TestColumnReader:
    def test_numbers_with_gaps_are_numbers(self):
        assert read("1", "2.5", "", "NA", "?").column() == Column("x", "number")

    def test_few_texts_are_a_category_in_order(self):
        assert read("b", " a", "b", "").column() == Column("x", "category", values=("a", "b"))

    def test_many_texts_are_text(self):
        column = read(*(f"word {n}" for n in range(150))).column()

        assert column == Column("x", "text", distinct=150)

    def test_a_hundred_texts_are_a_category(self):
        assert read(*(f"word {n}" for n in range(100))).column().type == "category"

    def test_counting_ends(self):
        assert read(*(f"word {n}" for n in range(5000))).column().distinct == 1000

    def test_the_text_among_numbers_is_known(self):
        assert read("1", "2", "x").stray_text == "x"
        assert read("y", "x").stray_text is None

    def test_a_column_of_gaps_is_empty(self):
        assert read("", "NA").is_empty
