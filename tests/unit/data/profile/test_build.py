import statistics

import pytest

from pileus.data.load import open_version
from pileus.data.profile.build import profile_of
from pileus.data.profile.document import read_profile
from pileus.data.profile.schema import CategoryColumn, NumberColumn, TextColumn
from tests.unit.data.build import class_folder, csv_file, idx, ingested, png, table_text

TABLE = "age,pet,note,kind\n" + "".join(
    f'{"" if n % 10 == 0 else n},{"cat" if n % 3 else "dog"},"word, {n} of\nsome",{"ab"[n % 2]}\n'
    for n in range(150)
)


def profiled(prepared):
    return read_profile(prepared.profile.path.read_bytes(), prepared.manifest)


@pytest.fixture
def table(tmp_path):
    return ingested(csv_file(tmp_path / "t.csv", TABLE), tmp_path / "out")


@pytest.fixture
def pictures(tmp_path):
    root = class_folder(tmp_path / "in", {"a": 6, "b": 3})
    (root / "b" / "wide.png").write_bytes(png(99, (10, 40)))
    (root / "b" / "again.png").write_bytes(png(99, (10, 40)))
    return ingested(root, tmp_path / "out")


class TestOfATable:
    def test_says_what_each_column_holds(self, table):
        profile = profiled(table)
        age, pet, note = profile.whole.columns

        assert profile.version == table.manifest.id
        assert (profile.whole.rows, profile.whole.distinct_rows) == (150, 150)
        assert isinstance(age, NumberColumn)
        assert age.missing == 15
        assert (age.numbers.min, age.numbers.max, age.numbers.count) == (1, 149, 135)
        assert isinstance(pet, CategoryColumn)
        assert pet.values == (("cat", 100), ("dog", 50))
        assert isinstance(note, TextColumn)
        assert (note.distinct, note.words.max) == (150, 4)
        lengths = [len(f"word, {n} of\nsome") for n in range(150)]
        assert note.characters.count == 150
        assert (note.characters.min, note.characters.max) == (min(lengths), max(lengths))
        assert note.characters.mean == pytest.approx(statistics.mean(lengths))
        assert note.characters.percentiles[50] == statistics.median(lengths)
        assert sum(note.characters.histogram) == 150
        assert profile.whole.classes == (("a", 75), ("b", 75))

    def test_counts_characters_and_not_bytes_of_texts_that_are_there(self, tmp_path):
        texts = ["蘑菇", "", "é è", "NA", *(f"mushroom {n}" for n in range(150))]
        rows = "".join(f"{text},{'ab'[n % 2]}\n" for n, text in enumerate(texts))
        prepared = ingested(csv_file(tmp_path / "t.csv", f"note,kind\n{rows}"), tmp_path / "out")

        [note] = profiled(prepared).whole.columns

        assert isinstance(note, TextColumn)
        assert (note.missing, note.characters.count) == (2, 152)
        assert (note.characters.min, note.characters.max) == (2, 12)
        there = [len(text) for text in texts if text not in {"", "NA"}]
        assert note.characters.mean == pytest.approx(statistics.mean(there))

    def test_tells_the_sides_apart(self, table):
        profile = profiled(table)

        assert profile.train.rows == table.manifest.rows.train
        assert profile.untouched.rows == table.manifest.rows.untouched
        assert profile.shared_rows == 0

    def test_holds_no_text_of_the_data(self, table):
        assert b"some" not in table.profile.path.read_bytes()

    def test_counts_rows_that_repeat(self, tmp_path):
        text = table_text(20) + "".join(table_text(20).splitlines(keepends=True)[1:6])
        prepared = ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out")

        assert (profiled(prepared).whole.rows, profiled(prepared).whole.distinct_rows) == (25, 20)

    def test_of_a_regression_describes_the_target(self, tmp_path):
        text = "x,y\n" + "".join(f"{n % 7},{n / 3:.4f}\n" for n in range(200))
        prepared = ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out", task="regression")
        whole = profiled(prepared).whole

        assert whole.classes is None
        assert (whole.target.count, whole.target.max) == (200, 66.3333)


class TestOfImages:
    def test_says_what_they_are(self, pictures):
        profile = profiled(pictures)
        images = profile.whole.images

        assert images.sizes == ((5, 6, 9), (40, 10, 2))
        assert images.modes == (("RGB", 11),)
        assert images.formats == (("png", 11),)
        assert images.aspect.max == 4
        assert profile.whole.classes == (("a", 6), ("b", 5))
        assert profile.whole.distinct_rows == 10


class TestProfileOf:
    @pytest.mark.parametrize("kind", ["table", "pictures"])
    def test_a_version_on_disk_is_what_ingest_computed(self, kind, request):
        prepared = request.getfixturevalue(kind)
        version = open_version(prepared.profile.path.parent)

        assert profile_of(version) == prepared.profile.path.read_bytes()

    def test_idx_files_too(self, tmp_path):
        idx(tmp_path / "in")
        prepared = ingested(tmp_path / "in", tmp_path / "out")

        assert profile_of(open_version(prepared.profile.path.parent)) == (
            prepared.profile.path.read_bytes()
        )
