import pytest

from pileus.storage import rules
from pileus.storage.table import Table, integer, json, row_columns, text

ITEMS = Table(
    "item", "item", (*row_columns(), text("name"), json("info")), ("id",), (("project", "name"),)
)


class TestCatalog:
    @pytest.mark.parametrize(
        "tables,message",
        [
            ([ITEMS, ITEMS], "two tables"),
            ([Table("x", "x", (text("id"),), ("key",))], "key"),
            ([Table("x", "x", (integer("rev"),), ("rev",))], "feed"),
        ],
    )
    def test_refuses_what_cannot_be_one_database(self, tables, message):
        with pytest.raises(ValueError, match=message):
            rules.catalog(tables)


class TestPrimitives:
    @pytest.mark.parametrize("condition", [("info", "=", {}), ("name", "like", "a%")])
    def test_refuses_a_comparison_without_a_meaning(self, condition):
        with pytest.raises(ValueError, match="cannot be compared"):
            rules.primitives(ITEMS, [condition])

    def test_a_null_is_in_nothing(self):
        assert rules.primitives(ITEMS, [("name", "in", [None, "a"])]) == [("name", "in", ["a"])]


class TestOneRow:
    def test_refuses_columns_that_several_rows_share(self):
        with pytest.raises(ValueError, match="no key"):
            rules.one_row(ITEMS, {"project": "prj_1"})


class TestCompleteOrder:
    def test_the_key_decides_between_equals(self):
        assert rules.complete_order(ITEMS, ["-name"], None) == [("name", True), ("id", False)]

    def test_asks_for_none_when_any_will_do(self):
        assert rules.complete_order(ITEMS, [], None) == []
