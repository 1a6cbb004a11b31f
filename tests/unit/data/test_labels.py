import pytest

from pileus.data import labels
from pileus.data.errors import ClassesTooFew, LabelRefused
from pileus.data.labels import LabelReader, check_classes, class_order, label_column


def read(cells, wanted=None):
    reader = LabelReader("y", "t.csv", "line", wanted)
    for line, cell in enumerate(cells, start=2):
        reader.see(line, cell)
    return reader


class TestClassOrder:
    def test_numbers_are_in_their_order(self):
        assert class_order(["10", "2", "-1"]) == ("-1", "2", "10")

    def test_words_are_by_code_point(self):
        assert class_order(["b", "2", "B", "é"]) == ("2", "B", "b", "é")


class TestCheckClasses:
    def test_so_many_are_accepted_and_one_more_is_refused_with_the_advice_given(self):
        names = tuple(map(str, range(labels.MAX_CLASSES + 1)))

        check_classes(names[:-1], "It", if_many="Do this.")
        with pytest.raises(LabelRefused, match="It has 10,001 classes; 10,000 is the most") as no:
            check_classes(names, "It", if_many="Do this.")

        assert no.value.hint == "Do this."


class TestLabelColumn:
    def test_a_usual_name_is_taken(self):
        assert label_column(["Class", "a", "b"], None)[0] == 0

    def test_the_best_known_name_wins(self):
        assert label_column(["y", "Target", "b"], None)[0] == 1

    def test_else_the_last(self):
        index, why = label_column(["a", "b"], None)

        assert index == 1
        assert why is not None
        assert "the last one" in why

    def test_an_unknown_name_is_refused_with_those_that_are(self):
        with pytest.raises(LabelRefused, match="'c'") as refusal:
            label_column(["a", "b"], "c")

        assert "'a', 'b'" in str(refusal.value.hint)


class TestLabelReader:
    def test_words_are_classes(self):
        assert read(["a", "b", "a "]).task() == "classification"

    def test_few_numbers_are_classes(self):
        assert read([str(n % 20) for n in range(100)]).task() == "classification"

    def test_many_numbers_are_a_quantity(self):
        assert read([str(n) for n in range(21)]).task() == "regression"

    def test_a_tenth_of_distinct_numbers_are_classes(self):
        assert read([str(n % 30) for n in range(300)]).task() == "classification"

    def test_hundreds_of_numbers_are_a_quantity_in_a_long_table(self):
        assert read([str(n % 200) for n in range(4000)]).task() == "regression"

    def test_the_caller_decides(self):
        reader = read([str(n) for n in range(30)], "classification")

        assert reader.task() == "classification"
        assert len(reader.classes("classification")) == 30

    def test_regression_of_words_is_refused_with_the_line(self):
        with pytest.raises(LabelRefused, match=r"line 3: label 'b'"):
            read(["1", "b"], "regression")

    def test_each_label_has_a_code(self):
        reader = LabelReader("y", "t.csv", "line", None)

        codes = [reader.see(line, cell) for line, cell in enumerate(["b", "a", "b "])]

        assert codes == [0, 1, 0]
        assert reader.names == ["b", "a"]
        assert reader.knows("a")

    def test_free_text_is_refused(self):
        with pytest.raises(LabelRefused, match="distinct texts"):
            read([f"name {n}" for n in range(150)]).task()

    @pytest.mark.parametrize("cell", ["", "  ", "NA", "?"])
    def test_a_missing_label_is_refused_with_the_line(self, cell):
        with pytest.raises(LabelRefused, match="line 3"):
            read(["a", cell])

    def test_one_class_is_too_few(self):
        with pytest.raises(ClassesTooFew, match="'a'"):
            read(["a", "a"]).classes("classification")

    def test_a_constant_quantity_is_refused(self):
        with pytest.raises(LabelRefused, match="same value"):
            read(["1", "1"]).classes("regression")

    def test_two_spellings_of_a_number_are_refused(self):
        with pytest.raises(LabelRefused, match="one number"):
            read(["1", "1.0", "2"]).classes("classification")

    def test_memory_is_bounded(self, monkeypatch):
        monkeypatch.setattr(labels, "MAX_CLASSES", 50)

        reader = read([str(n) for n in range(500)])

        assert len(reader._codes) == 51
        assert reader.task() == "regression"
        with pytest.raises(LabelRefused, match="50 is the most") as refusal:
            reader.classes("classification")
        assert "--label" in str(refusal.value.hint)
