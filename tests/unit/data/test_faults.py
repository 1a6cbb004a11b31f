import pytest

from pileus.data.errors import TableDamaged
from pileus.data.faults import MAX_KEPT, MAX_TEXT, Faults, Skipped, kept
from pileus.data.schema import SkippedPart


class TestFaults:
    def test_a_fault_is_raised(self):
        with pytest.raises(TableDamaged):
            Faults().meet(TableDamaged("no"), "t.csv", 3)

    def test_or_remembered(self):
        faults = Faults(skip=True)

        faults.meet(TableDamaged("no"), "t.csv", 3)

        assert faults.skipped == [Skipped("t.csv", 3, "table_damaged", "no")]


class TestKept:
    def test_nothing_skipped_is_nothing_kept(self):
        assert kept([]) is None

    def test_parts_are_counted_by_code_and_the_first_are_named(self):
        skipped = [Skipped("t.csv", n, "table_damaged", "no") for n in range(MAX_KEPT + 5)]
        skipped.append(Skipped("u.png", None, "image_damaged", "cut"))

        found = kept(skipped)

        assert found is not None
        assert found.total == MAX_KEPT + 6
        assert found.codes == (("table_damaged", MAX_KEPT + 5), ("image_damaged", 1))
        assert len(found.first) == MAX_KEPT
        assert found.first[1] == SkippedPart("t.csv", "table_damaged", "no", 1)

    def test_a_long_name_is_cut_and_one_that_is_not_utf8_is_written_down(self):
        found = kept([Skipped("a\udcff" + "b" * 5000, None, "source_unreadable", "c" * 5000)])

        assert found is not None
        assert found.first[0].name.startswith("a\\udcffb")
        assert {len(found.first[0].name), len(found.first[0].reason)} == {MAX_TEXT}
