import pytest

from tests.unit.data.clean.building import Cleaned, table


@pytest.fixture
def cleaned(tmp_path):
    """What steps make of a table with these lines."""

    def make(text, *steps, seed=0, **options):
        version = table(tmp_path / "table", text, **options)
        return Cleaned(tmp_path / "cleaned", version, steps, seed)

    return make


@pytest.fixture
def numbers():
    """Lines of a table with one number a row, and a gap in every tenth."""
    lines = [f"{'' if row % 10 == 3 else row},{row / 4:g},{'ab'[row % 2]}" for row in range(60)]
    return "\n".join(["x,y,label", *lines]) + "\n"
