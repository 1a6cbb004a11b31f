import gzip

import pytest

from pileus.data.errors import IdxDamaged, SourceChanged, SourceUnreadable
from pileus.data.images import decode
from pileus.data.sources.idx import IdxFiles
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import aged, idx

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def read(path):
    source = IdxFiles.of(path, path.name, SourceOptions(path))
    assert source is not None
    return list(source.images())


class TestIdxFiles:
    @pytest.mark.parametrize("packed", [False, True])
    def test_images_become_pgm(self, tmp_path, packed):
        pixels = idx(tmp_path, packed=packed)

        images = read(tmp_path)

        assert (decode(images[3].data, "L")[:, :, 0] == pixels[3]).all()
        assert images[3].label == "3"
        assert images[3].facts == ("L", 3, 4)

    def test_a_file_of_images_may_be_named(self, tmp_path):
        idx(tmp_path)

        assert [image.given for image in read(tmp_path / IMAGES)] == [None] * 20

    def test_two_pairs_give_the_split(self, tmp_path):
        idx(tmp_path, "train-")
        idx(tmp_path, "t10k-", 5)

        assert [image.given for image in read(tmp_path)] == ["train"] * 20 + ["untouched"] * 5

    def test_names_with_points_are_read(self, tmp_path):
        idx(tmp_path)
        (tmp_path / IMAGES).rename(tmp_path / "train-images.idx3-ubyte")
        (tmp_path / LABELS).rename(tmp_path / "train-labels.idx1-ubyte")

        assert len(read(tmp_path)) == 20

    def test_a_plain_file_beside_its_packed_one_is_read_once(self, tmp_path):
        idx(tmp_path, packed=True)
        idx(tmp_path)

        assert len(read(tmp_path)) == 20

    def test_other_folders_are_left_to_others(self, tmp_path):
        assert IdxFiles.of(tmp_path, "x", SourceOptions(tmp_path)) is None


class TestChange:
    """While the files are read, somebody writes to one of them."""

    @pytest.fixture(autouse=True)
    def files(self, tmp_path):
        idx(tmp_path)
        for name in (IMAGES, LABELS):
            aged(tmp_path / name)

    @pytest.mark.parametrize("name", [IMAGES, LABELS])
    def test_of_bytes_is_refused(self, tmp_path, name):
        images = IdxFiles.of(tmp_path, "in", SourceOptions(tmp_path)).images()

        next(images)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

        with pytest.raises(SourceChanged, match=f"{name!r} changed while it was read"):
            list(images)

    @pytest.mark.parametrize("name", [IMAGES, LABELS])
    def test_of_the_file_is_refused(self, tmp_path, name):
        images = IdxFiles.of(tmp_path, "in", SourceOptions(tmp_path)).images()

        next(images)
        (tmp_path / "other").write_bytes((tmp_path / name).read_bytes())
        (tmp_path / "other").replace(tmp_path / name)

        with pytest.raises(SourceChanged, match=f"{name!r} changed while it was read"):
            list(images)

    @pytest.mark.parametrize("name", [IMAGES, LABELS])
    def test_that_cuts_it_is_no_damage(self, tmp_path, name):
        source = IdxFiles.of(tmp_path, "in", SourceOptions(tmp_path))

        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-3])

        with pytest.raises(SourceChanged, match=f"{name!r} changed while it was read"):
            list(source.images())


class TestLinks:
    @pytest.mark.parametrize("name", [IMAGES, LABELS])
    def test_out_of_the_folder_are_refused(self, tmp_path, name):
        idx(tmp_path / "in")
        (tmp_path / "in" / name).rename(tmp_path / name)
        (tmp_path / "in" / name).symlink_to(tmp_path / name)

        with pytest.raises(SourceUnreadable, match=f"{name!r} is a link that leads out"):
            read(tmp_path / "in")

    @pytest.mark.parametrize("name", [IMAGES, LABELS])
    def test_inside_the_folder_are_followed(self, tmp_path, name):
        idx(tmp_path)
        (tmp_path / name).rename(tmp_path / "kept")
        (tmp_path / name).symlink_to(tmp_path / "kept")

        assert len(read(tmp_path)) == 20


class TestDamage:
    @pytest.fixture(autouse=True)
    def files(self, tmp_path):
        idx(tmp_path)

    def change(self, path, change):
        path.write_bytes(change(path.read_bytes()))

    @pytest.mark.parametrize(
        "name, change, says",
        [
            (IMAGES, lambda data: b"\0\0\x0d\x03" + data[4:], "begins with '00000d03'"),
            (IMAGES, lambda data: data[:7], "begins with"),
            (IMAGES, lambda data: b"", "begins with ''"),
            (IMAGES, lambda data: data[:-3], "ends 3 bytes before"),
            (IMAGES, lambda data: data + b"x", "goes on after the end"),
            (IMAGES, lambda data: data[:4] + bytes(12), "0 images"),
            (IMAGES, lambda data: data[:8] + b"\xff" * 8, "4294967295 x 4294967295"),
            (LABELS, lambda data: data[:-1], "ends 1 bytes before"),
            (LABELS, lambda data: data + b"\0", "goes on after"),
            (LABELS, lambda data: data[:7] + b"\x13" + data[8:], "19 labels for 20 images"),
        ],
    )
    def test_is_named(self, tmp_path, name, change, says):
        self.change(tmp_path / name, change)

        with pytest.raises(IdxDamaged, match=says) as refusal:
            read(tmp_path)

        assert name in refusal.value.message

    def test_images_without_labels(self, tmp_path):
        (tmp_path / LABELS).unlink()

        with pytest.raises(IdxDamaged, match="no file of labels"):
            read(tmp_path)

    def test_labels_named_instead_of_images(self, tmp_path):
        with pytest.raises(IdxDamaged, match="holds labels"):
            read(tmp_path / LABELS)

    def test_several_sets_in_one_folder(self, tmp_path):
        idx(tmp_path, "letters-")

        with pytest.raises(IdxDamaged, match="several sets: 'letters', 'train'"):
            read(tmp_path)

    def test_half_a_gzip_file(self, tmp_path):
        data = gzip.compress((tmp_path / IMAGES).read_bytes())
        (tmp_path / IMAGES).unlink()
        (tmp_path / f"{IMAGES}.gz").write_bytes(data[:-20])

        with pytest.raises(SourceUnreadable, match="not a whole gzip"):
            read(tmp_path)
