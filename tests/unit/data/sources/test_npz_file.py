import resource
import shutil
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from pileus.data.errors import (
    ArchiveTooLarge,
    ArraysRefused,
    LabelRefused,
    ScratchUnusable,
    SourceChanged,
)
from pileus.data.images import decode
from pileus.data.sources import npz_file, scratch
from pileus.data.sources.npz_file import NpzImages, NpzTable, open_npz
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import aged, ingested

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 4, 3), dtype=np.uint8)
LABELS = np.arange(20) % 4


@pytest.fixture
def opened(tmp_path):
    def run(**arrays):
        path = tmp_path / "t.npz"
        np.savez_compressed(path, **arrays)
        return open_npz(path, "t.npz", SourceOptions(tmp_path))

    return run


def rows(source):
    return [(row.line, *row.cells) for row in source.rows()]


class TestTable:
    def test_rows_and_labels_are_joined(self, opened):
        source = opened(X=np.array([[1.5, 2], [3, np.nan]]), y=np.array(["a", "b"]))

        assert source.label == "y"
        assert rows(source) == [
            (0, "x1", "x2", "y"),
            (1, "1.5", "2.0", "a"),
            (2, "3.0", "nan", "b"),
        ]

    def test_columns_have_the_names_of_the_file(self, opened):
        source = opened(data=np.eye(2, dtype=int), target=[[0], [1]], feature_names=["p", "q"])

        assert rows(source) == [(0, "p", "q", "target"), (1, "1", "0", "0"), (2, "0", "1", "1")]

    def test_single_precision_is_short(self, opened):
        assert rows(opened(X=np.array([[0.1, 2]], np.float32)))[1] == (1, "0.1", "2.0")

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("limit", ["_BLOCK_BYTES", "_BLOCK_CELLS"])
    def test_neither_blocks_nor_order_change_the_rows(self, opened, monkeypatch, limit, order):
        monkeypatch.setattr(npz_file, limit, 100)
        values = np.arange(60).reshape(20, 3)

        found = rows(opened(X=np.asarray(values, order=order), y=LABELS))[1:]

        assert [tuple(map(int, row[1:4])) for row in found] == [tuple(row) for row in values]

    def test_sides_of_the_file_are_kept(self, opened, tmp_path):
        opened(
            x_train=np.arange(20).reshape(10, 2),
            y_train=np.arange(10) % 2,
            x_test=np.arange(20).reshape(10, 2) + 5,
            y_test=np.arange(10) % 2,
        )

        manifest = ingested(tmp_path / "t.npz", tmp_path / "out").manifest

        assert (manifest.rows.train, manifest.rows.untouched) == (10, 10)
        assert manifest.split.how == "given"


class TestImages:
    def test_rows_of_bytes_are_grey_images(self, opened):
        source = opened(images=PIXELS, labels=LABELS)
        found = list(source.images())

        assert isinstance(source, NpzImages)
        assert source.total == 20
        assert [image.label for image in found] == [str(label) for label in LABELS]
        assert [image.path for image in found[:2]] == ["images/00001.pgm", "images/00002.pgm"]
        assert all(
            (decode(i.data, "L")[:, :, 0] == p).all() for i, p in zip(found, PIXELS, strict=True)
        )

    def test_three_channels_are_colours(self, opened):
        pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)

        found = list(opened(X=pixels, y=["a", "b"]).images())

        assert found[0].path.endswith(".ppm")
        assert found[0].facts == ("RGB", 5, 4)
        assert (decode(found[1].data, "RGB") == pixels[1]).all()

    def test_sets_of_the_file_are_sides(self, opened):
        source = opened(
            train_images=PIXELS[:10],
            train_labels=LABELS[:10, None],
            val_images=PIXELS[10:15],
            val_labels=LABELS[10:15, None],
            test_images=PIXELS[15:],
            test_labels=LABELS[15:, None],
        )

        sides = [(image.path.split("/")[0], image.given) for image in source.images()]

        assert sides == [
            *[("train", "train")] * 10,
            *[("val", "train")] * 5,
            *[("test", "untouched")] * 5,
        ]

    def test_other_arrays_are_mentioned(self, opened):
        assert opened(X=PIXELS, y=LABELS, weights=LABELS).notices == ["Ignored arrays: ['weights']"]

    @pytest.mark.parametrize(
        "labels, found",
        [
            (np.where(np.arange(20) == 12, np.nan, LABELS), "nan"),
            (np.where(np.arange(20) == 12, "", "a"), ""),
            (np.where(np.arange(20) == 12, b" ", b"a"), " "),
            (np.where(np.arange(20) == 12, np.datetime64("NaT"), np.datetime64("2026-11-29")), ""),
        ],
        ids=["number", "text", "bytes", "date"],
    )
    def test_a_label_that_is_missing_is_no_class(self, opened, labels, found):
        source = opened(
            x_train=PIXELS[:10], y_train=labels[:10], x_test=PIXELS[10:], y_test=labels[10:]
        )

        says = rf"'t\.npz', row 13: no label in array 'y_test' at index 2 \('{found}'\)"
        with pytest.raises(LabelRefused, match=says) as refusal:
            list(source.images())

        assert "--skip-bad" in str(refusal.value.hint)

    def test_two_spellings_of_a_label_are_one_class_and_said_to_be(self, opened):
        labels = np.where(LABELS == 0, "caf\u00e9", "cafe\u0301")

        source = opened(X=PIXELS, y=labels)

        assert {image.label for image in source.images()} == {"caf\u00e9"}
        assert source.notices[-1].endswith("one text is one value: 15")

    def test_images_without_a_label_are_left_out_and_listed(self, opened, tmp_path):
        opened(X=PIXELS, y=np.where(LABELS == 3, np.nan, LABELS))

        prepared = ingested(tmp_path / "t.npz", tmp_path / "out", skip_bad=True)

        assert prepared.manifest.classes == ("0.0", "1.0", "2.0")
        assert [item.path[-9:-4] for item in prepared.manifest.items[:4]] == [
            "00001",
            "00002",
            "00003",
            "00005",
        ]
        assert [(one.name, one.line, one.code) for one in prepared.skipped] == [
            ("t.npz", row, "label_refused") for row in (4, 8, 12, 16, 20)
        ]


class TestChange:
    """Between the headers and the last row, somebody writes to the file."""

    @pytest.fixture(params=["table", "images"])
    def begun(self, tmp_path, monkeypatch, request):
        monkeypatch.setattr(npz_file, "_BLOCK_BYTES", 24)
        data = np.arange(40).reshape(20, 2) if request.param == "table" else PIXELS
        path = tmp_path / "t.npz"
        np.savez_compressed(path, X=data, y=LABELS)
        source = open_npz(aged(path), "t.npz", SourceOptions(tmp_path))
        return source.rows() if request.param == "table" else source.images()

    def refused(self, found):
        with pytest.raises(SourceChanged, match=r"'t\.npz' changed while it was read"):
            list(found)

    def test_of_the_file_is_refused(self, begun, tmp_path):
        next(begun)

        (tmp_path / "other").write_bytes((tmp_path / "t.npz").read_bytes())
        (tmp_path / "other").replace(tmp_path / "t.npz")

        self.refused(begun)

    def test_of_bytes_is_no_damage(self, begun, tmp_path):
        next(begun)

        (tmp_path / "t.npz").write_bytes(b"x" * (tmp_path / "t.npz").stat().st_size)

        self.refused(begun)

    def test_to_another_table_is_refused(self, begun, tmp_path):
        np.savez_compressed(tmp_path / "t.npz", X=np.arange(4).reshape(2, 2), y=[0, 1])

        self.refused(begun)

    def test_that_cuts_it_is_no_damage(self, begun, tmp_path):
        (tmp_path / "t.npz").write_bytes((tmp_path / "t.npz").read_bytes()[:100])

        self.refused(begun)


class TestRefusals:
    @pytest.mark.parametrize(
        "arrays, says",
        [
            ({"a": LABELS}, r"none of its arrays \['a'\]"),
            ({"X": LABELS}, r"array 'X' has shape \(20,\)"),
            ({"X": PIXELS}, "'X' has no array of labels"),
            ({"X": PIXELS / 255, "y": LABELS}, "pixels of type float64"),
            ({"X": PIXELS, "y": LABELS[:19]}, r"'y' of shape \(19,\) is not one label"),
            ({"X": PIXELS.reshape(20, 1, 2, 6), "y": LABELS}, "has 6 channels"),
            ({"X": np.array([[1, None]], dtype=object)}, "'X' of 't.npz' holds Python objects"),
            ({"X": np.ones((2, 2), complex)}, "values of type complex128"),
            ({"X": PIXELS, "images": PIXELS}, "both 'X' and 'images'"),
            ({"x_train": PIXELS, "x_test": PIXELS[:, :2]}, r"'x_test' \(20, 2, 3\)"),
            ({"X": np.empty((0, 2))}, "is empty"),
        ],
    )
    def test_what_makes_no_set_is_named(self, opened, arrays, says):
        with pytest.raises(ArraysRefused, match=says) as refusal:
            opened(**arrays)

        assert refusal.value.hint

    def test_no_object_is_unpickled(self, opened, tmp_path):
        class Trap:
            def __reduce__(self):
                return (open, (str(tmp_path / "sprung"), "w"))

        with pytest.raises(ArraysRefused):
            opened(X=np.array([[Trap()]], dtype=object))

        assert not (tmp_path / "sprung").exists()

    def test_half_a_file_is_named(self, opened, tmp_path):
        opened(X=PIXELS, y=LABELS)
        path = tmp_path / "t.npz"
        path.write_bytes(path.read_bytes()[:-30])

        with pytest.raises(ArraysRefused, match=r"'t\.npz' is not a whole file"):
            open_npz(path, "t.npz", SourceOptions(tmp_path))

    def test_an_array_that_is_shorter_than_it_says_is_named(self, opened, tmp_path):
        opened(X=np.arange(40).reshape(20, 2), y=LABELS)
        with zipfile.ZipFile(tmp_path / "t.npz") as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
            for name, data in contents.items():
                archive.writestr(name, data[:-8])
        source = open_npz(tmp_path / "t.npz", "t.npz", SourceOptions(tmp_path))

        assert isinstance(source, NpzTable)
        with pytest.raises(ArraysRefused, match="'X' ends before its header says"):
            rows(source)


class TestBombs:
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_more_than_the_ratio_is_refused(self, opened, monkeypatch, order):
        monkeypatch.setattr(scratch, "_ALWAYS_BYTES", 100_000)

        with pytest.raises(ArchiveTooLarge, match=r"'t\.npz' .* far more than it is") as refusal:
            opened(X=np.zeros((1000, 1000), order=order), y=np.arange(1000) % 2)

        assert "np.savez" in str(refusal.value.hint)

    def test_the_disk_is_not_filled_with_columns(self, opened, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=600))
        rows_first = opened(X=np.eye(20, 2), y=LABELS)
        assert len(rows(rows_first)) == 21  # it needs no room, for it is not written

        columns_first = opened(X=np.asarray(np.eye(20, 2), order="F"), y=LABELS)

        with pytest.raises(ArchiveTooLarge, match=r"Array 'X' of 't\.npz' takes more than 300"):
            rows(columns_first)

    def test_a_full_disk_is_no_fault_of_the_file(self, opened):
        source = opened(X=np.ones((100_000, 3), order="F"))
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
        try:
            with pytest.raises(ScratchUnusable, match="scratch directory cannot be written"):
                rows(source)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def test_arrays_leave_nothing_on_the_disk(self, opened, tmp_path):
        rows(opened(X=np.ones((20, 3), order="F"), y=LABELS))

        assert [one.name for one in tmp_path.iterdir()] == ["t.npz"]
