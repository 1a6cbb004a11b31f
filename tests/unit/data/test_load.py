import numpy as np
import pytest

from pileus.data.errors import ManifestDamaged, VersionDamaged
from pileus.data.load import open_version
from tests.unit.data.build import class_folder, csv_file, idx, ingested, png, table_text


def opened(source, tmp_path, **options):
    prepared = ingested(source, tmp_path / "out", **options)
    return open_version(prepared.blobs[-1].path.parent)


@pytest.fixture
def version(tmp_path):
    return opened(class_folder(tmp_path / "in", {"a": 5, "b": 5}), tmp_path)


class TestImages:
    def test_pixels_and_labels_are_in_the_order_of_the_items(self, version):
        items = version.items("train")

        pixels, labels = version.images("train", (4, 3), "RGB")

        assert pixels.shape == (8, 4, 3, 3)
        assert pixels.dtype == np.uint8
        assert [("a", "b")[label] for label in labels] == [item.label for item in items]

    def test_original_bytes_come_back(self, version, tmp_path):
        for item, data in version.contents("untouched"):
            assert data == (tmp_path / "in" / item.path).read_bytes()

    def test_one_item_is_read_alone(self, version):
        item = version.items("untouched")[1]

        assert version.read(item) == dict(version.contents("untouched"))[item]

    def test_idx_pixels_come_back(self, tmp_path):
        images = idx(tmp_path / "in", "train-", 12)
        idx(tmp_path / "in", "t10k-", 8)

        pixels, labels = opened(tmp_path / "in", tmp_path).images("train", (4, 3), "L")

        assert np.array_equal(pixels[:, :, :, 0], images)
        assert labels.tolist() == [number % 4 for number in range(12)]

    def test_large_and_small_images_come_back_together(self, tmp_path):
        source = class_folder(tmp_path / "in", {"a": 3, "b": 3})
        (source / "a" / "1-large.png").write_bytes(png(99, (700, 700)))

        version = opened(source, tmp_path)

        assert len(version.images("train", (8, 8), "L")[0]) == version.manifest.rows.train


class TestTable:
    def test_rows_come_back(self, tmp_path):
        table = opened(csv_file(tmp_path / "t.csv", table_text()), tmp_path).table("train")

        assert table.features.shape == (32, 2)
        assert table.features.dtype == np.float32
        assert table.target.dtype == np.int64
        assert (table.features[:, 0] % 2 == table.target).all()

    def test_images_are_no_table(self, version):
        with pytest.raises(VersionDamaged, match="not a table"):
            version.table("train")


class TestDamage:
    def test_a_missing_pack_is_named(self, tmp_path):
        version = opened(class_folder(tmp_path / "in", {"a": 3, "b": 3}), tmp_path)
        directory = version._directory
        next((directory / "packs").iterdir()).unlink()

        with pytest.raises(VersionDamaged, match="cannot be read"):
            open_version(directory)
        with pytest.raises(VersionDamaged, match="cannot be read"):
            version.images("train", (4, 4), "L")

    def test_a_short_pack_is_refused_at_once(self, version):
        pack = next((version._directory / "packs").iterdir())
        pack.write_bytes(pack.read_bytes()[:-1])

        with pytest.raises(VersionDamaged, match="does not have"):
            open_version(version._directory)

    def test_changed_bytes_are_never_trained_on(self, version):
        pack = next((version._directory / "packs").iterdir())
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 1
        pack.write_bytes(data)

        with pytest.raises(VersionDamaged, match="not the bytes"):
            list(version.contents("train")) + list(version.contents("untouched"))

    def test_no_manifest_is_an_error(self, tmp_path):
        with pytest.raises(VersionDamaged, match=r"manifest.json"):
            open_version(tmp_path)

    def test_a_changed_manifest_is_an_error(self, version):
        path = version._directory / "manifest.json"
        path.write_bytes(path.read_bytes().replace(b'"untouched",0', b'"train",0', 1))

        with pytest.raises(ManifestDamaged):
            open_version(version._directory)
