from pileus.data.clean.tables.stage import opened
from tests.unit.data.clean.building import Cleaned, table

ODD = "a,b,label\n" + "".join(
    f'"line\n{row}, with ""quotes""", x{row} ,{"yn"[row % 2]}\n' for row in range(40)
)


class TestStage:
    def test_a_transform_without_steps_is_the_same_version(self, tmp_path):
        version = table(tmp_path / "table", ODD)

        found = Cleaned(tmp_path / "cleaned", version)

        assert found.manifest.id == version.manifest.id
        assert found.manifest.columns == version.manifest.columns

    def test_cells_survive_being_spooled(self, tmp_path):
        version = table(tmp_path / "table", ODD)
        step = {"step": "drop_duplicates"}

        found = Cleaned(tmp_path / "cleaned", version, [step, step, step])

        assert found.manifest.id == version.manifest.id
        assert found.left == ["stage-0", "stage-1"]

    def test_untouched_rows_come_first(self, tmp_path):
        version = table(tmp_path / "table", ODD)

        splits = [row.split for row in opened(version).rows()]

        assert splits == sorted(splits, reverse=True)
        assert set(splits) == {"train", "untouched"}
