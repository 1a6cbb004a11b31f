import numpy as np
import pytest

from pileus.data.errors import VersionDamaged
from pileus.data.raw import Clip, Fill, Scale, cell_changes, rounds, undone
from tests.unit.data.clean.building import Cleaned, table

LINES = "x,colour,y,label\n" + "".join(
    f"{'' if row % 9 == 2 else row * 10},{('red', 'blue', '')[row % 3]},{row},{'ab'[row % 2]}\n"
    for row in range(60)
)
STEPS = [
    {"step": "clip", "columns": ["x"]},
    {"step": "impute", "columns": ["x"], "using": "mean"},
    {"step": "normalise", "columns": ["x"]},
    {"step": "impute", "columns": ["colour"], "using": "most_frequent"},
]


@pytest.fixture
def version(tmp_path):
    return table(tmp_path / "table", LINES)


class TestCellChanges:
    def test_an_ingested_version_has_none(self, version):
        assert cell_changes(version.manifest) == {}
        assert rounds(version.manifest) == []

    def test_they_are_in_order_under_the_name_that_the_column_has_now(self, tmp_path, version):
        rename = {"step": "rename_columns", "names": {"x": "width"}}
        found = cell_changes(Cleaned(tmp_path / "made", version, [*STEPS, rename]).manifest)

        assert [type(change) for change in found["width"]] == [Clip, Fill, Scale]
        assert found.keys() == {"width", "colour"}

    def test_those_of_the_source_come_first(self, tmp_path, version):
        once = Cleaned(tmp_path / "once", version, STEPS)
        twice = Cleaned(tmp_path / "twice", once.version, [{"step": "normalise"}])

        kinds = [type(change) for change in cell_changes(twice.manifest)["x"]]
        assert kinds == [Clip, Fill, Scale, Scale]
        assert twice.manifest.transform["before"] == once.manifest.transform

    def test_a_column_that_was_mapped_is_asked_for_as_it_was_made(self, tmp_path, version):
        step = {"step": "map_values", "column": "x", "values": {"0": "1"}}

        assert "x" not in cell_changes(Cleaned(tmp_path / "made", version, [*STEPS, step]).manifest)

    def test_a_document_that_somebody_broke_is_refused(self, tmp_path, version):
        manifest = Cleaned(tmp_path / "made", version, STEPS).manifest
        manifest.transform["steps"][0]["fitted"] = {"bounds": {"x": 5}}

        with pytest.raises(VersionDamaged, match="how it was cleaned"):
            cell_changes(manifest)


class TestRounds:
    def test_what_is_undone_and_done_again_is_the_same(self, tmp_path, version):
        found = Cleaned(tmp_path / "made", version, STEPS)
        done = rounds(found.manifest)
        clean = found.version.table("untouched").features

        values = undone(clean, done).astype(np.float64)
        for one in done:
            is_filled = np.isnan(values) & ~np.isnan(one.fill)
            values = np.clip(np.where(is_filled, one.fill, values), one.low, one.high)
            values = (values - one.centre) / one.scale

        assert len(done) == 2
        assert values == pytest.approx(clean, rel=1e-4, abs=1e-5)
        assert done[0].fill[1] in {0.0, 1.0}
