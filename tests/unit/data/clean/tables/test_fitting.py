from dataclasses import replace

import numpy as np
import pytest

from pileus.data.clean.errors import StepRefused
from pileus.data.clean.tables.fitting import fitted_numbers
from pileus.data.clean.tables.stage import opened
from tests.unit.data.clean.building import table


class TestFittedNumbers:
    def test_they_are_those_of_the_training_part_and_no_others(self, tmp_path, numbers):
        version = table(tmp_path, numbers)
        mine = version.table("train").features[:, 0]
        known = np.sort(mine[~np.isnan(mine)]).astype(np.float64)

        with fitted_numbers(opened(version), ["x"], tmp_path) as found:
            assert found["x"].values.tolist() == known.tolist()
            assert found["x"].mean == pytest.approx(known.mean())
            assert found["x"].deviation == pytest.approx(known.std())
            for share in (0, 0.01, 0.25, 0.5, 0.99, 1):
                assert found["x"].quantile(share) == pytest.approx(np.quantile(known, share))
        assert not list(tmp_path.glob("*.f64"))

    def test_a_column_without_numbers_to_train_on_is_refused(self, tmp_path, numbers):
        stage = opened(table(tmp_path, numbers))

        def only_untouched_have_values():
            for row in stage.rows():
                cell = "1" if row.split == "untouched" else ""
                yield row._replace(cells=[cell, *row.cells[1:]])

        emptied = replace(stage, rows=only_untouched_have_values)
        with (
            pytest.raises(StepRefused, match="'x' has no number in the training part"),
            fitted_numbers(emptied, ["x"], tmp_path),
        ):
            pass
