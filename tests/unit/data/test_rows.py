import msgspec
import numpy as np
import pytest

from pileus.data.errors import ColumnUnusable, VersionDamaged
from pileus.data.rows import encode, read_table
from pileus.data.schema import Column
from tests.unit.data.build import csv_file, ingested


@pytest.fixture
def manifest(tmp_path):
    text = "age,city,label\n1,x,no\n2,y,yes\n,x,no\n4,,yes\n"
    return ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out").manifest


class TestReadTable:
    def test_gaps_are_nan_and_minus_one(self, manifest):
        table = read_table(manifest, [b"age,city,label\n1.5,y,yes\n NA ,?,no\n"])

        assert np.array_equal(
            table.features, np.array([[1.5, 1], [np.nan, -1]], dtype=np.float32), equal_nan=True
        )
        assert table.target.tolist() == [1, 0]
        assert [column.name for column in table.columns] == ["age", "city"]

    def test_parts_are_joined(self, manifest):
        part = b"age,city,label\n1,y,yes\n"

        assert len(read_table(manifest, [part, part]).features) == 2

    def test_a_quantity_is_a_number(self, manifest):
        regression = msgspec.structs.replace(manifest, task="regression", classes=None)

        target = read_table(regression, [b"age,city,label\n1,y,2.5\n"]).target

        assert target.dtype == np.float32
        assert target.tolist() == [2.5]

    def test_free_text_is_refused_with_its_count(self, manifest):
        text = msgspec.structs.replace(
            manifest, columns=(Column("age", "number"), Column("city", "text", distinct=731))
        )

        with pytest.raises(ColumnUnusable, match=r"'city' \(731 distinct\)") as refusal:
            read_table(text, [])

        assert "Drop" in str(refusal.value.hint)

    @pytest.mark.parametrize(
        "part",
        [
            b"age,label\n1,no\n",
            b"age,city,label\n1,x\n",
            b"age,city,label\n",
            b"age,city,label\none,x,no\n",
            b"age,city,label\n1,x,maybe\n",
            b"\xff",
            b"",
        ],
    )
    def test_a_part_that_is_not_the_manifests_is_refused(self, manifest, part):
        with pytest.raises(VersionDamaged):
            read_table(manifest, [part])


class TestEncode:
    def test_an_unknown_value_has_no_code(self):
        column = Column("c", "category", values=("a", "b"))

        assert encode(["b", "a ", "z"], column).tolist() == [1, 0, -1]
