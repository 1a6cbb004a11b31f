"""Tables of the world as they come: without a header, in Chinese, repacked in other encodings."""

import gzip
from pathlib import Path

import pytest

from pileus.data.errors import EncodingRefused, TableDamaged
from pileus.data.ingest import prepare

DATA = Path(__file__).parents[3] / "shared" / "data"
ADULT = DATA / "adult-census" / "adult-train.csv.gz"
REVIEWS = DATA / "zh-sentiment" / "waimai_10k.csv.gz"

pytestmark = pytest.mark.skipif(
    not ADULT.is_file() or not REVIEWS.is_file(), reason="shared/data is not here"
)


class TestAdultCensus:
    def test_a_table_without_a_header_is_refused_with_what_to_add(self, tmp_path):
        with pytest.raises(TableDamaged, match="'<=50K' is a label") as refusal:
            prepare(str(ADULT), into=tmp_path)

        assert "--columns a,b,c" in str(refusal.value.hint)

    def test_and_read_with_it(self, tmp_path):
        manifest = prepare(str(ADULT), into=tmp_path, no_header=True).manifest

        assert manifest.classes == ("<=50K", ">50K")
        assert manifest.rows.train + manifest.rows.untouched == 32_561


class TestReviews:
    @pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
    def test_other_encodings_are_proposed_and_give_the_same_version(self, tmp_path, encoding):
        path = tmp_path / "reviews.csv"
        path.write_bytes(gzip.decompress(REVIEWS.read_bytes()).decode().encode(encoding))

        with pytest.raises(EncodingRefused) as refusal:
            prepare(str(path), into=tmp_path / "a", label="label")
        named = str(refusal.value.hint).rpartition("--encoding ")[2]
        again = prepare(str(path), into=tmp_path / "b", label="label", encoding=named)
        plain = prepare(str(REVIEWS), into=tmp_path / "c", label="label")

        assert again.manifest.id == plain.manifest.id
