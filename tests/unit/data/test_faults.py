import pytest

from pileus.data.errors import TableDamaged
from pileus.data.faults import Faults, Skipped


class TestFaults:
    def test_a_fault_is_raised(self):
        with pytest.raises(TableDamaged):
            Faults().meet(TableDamaged("no"), "t.csv", 3)

    def test_or_remembered(self):
        faults = Faults(skip=True)

        faults.meet(TableDamaged("no"), "t.csv", 3)

        assert faults.skipped == [Skipped("t.csv", 3, "table_damaged", "no")]
