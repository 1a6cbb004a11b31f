import sys

import pytest

from pileus.core.schemas.expectations import ColumnExpectation
from pileus.data.clean.errors import ExpectationsUnavailable
from pileus.data.clean.expecting.cells import CellChecks


class TestCellChecks:
    def test_without_pandera_the_hint_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandera.polars", None)

        with pytest.raises(ExpectationsUnavailable) as caught:
            CellChecks(["x"], {"x": ColumnExpectation(not_null=True)})

        assert "pip install 'pileus[clean]'" in str(caught.value.hint)
