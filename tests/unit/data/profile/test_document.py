import msgspec
import pytest

from pileus.data.errors import ProfileDamaged
from pileus.data.profile.document import read_profile, write_profile
from tests.unit.data.build import class_folder, csv_file, ingested, table_text


@pytest.fixture
def table(tmp_path):
    return ingested(csv_file(tmp_path / "t.csv", table_text()), tmp_path / "out")


@pytest.fixture
def pictures(tmp_path):
    return ingested(class_folder(tmp_path / "in", {"a": 5, "b": 5}), tmp_path / "out")


def changed(prepared, change):
    """The document with one change, as a client might send it."""
    document = msgspec.json.decode(prepared.profile.path.read_bytes())
    change(document)
    return msgspec.json.encode(document)


def put(*steps, value):
    def change(document):
        for step in steps[:-1]:
            document = document[step]
        document[steps[-1]] = value

    return change


COMMON = [
    put("schema", value=2),
    put("version", value="dsv_other"),
    put("kind", value="neither"),
    put("task", value="regression"),
    put("whole", "rows", value=7),
    put("train", "rows", value=1),
    put("train", "distinct_rows", value=10**9),
    put("train", "classes", 0, 1, value=-1),
    put("train", "classes", 0, 0, value="stranger"),
    put("train", "classes", value=None),
    put("shared_rows", value=-1),
    put("profiler", value=0),
]
OF_TABLES = [
    put("train", "columns", 0, "name", value="other"),
    put("train", "columns", 0, "missing", value=3),
    put("train", "columns", 0, "missing", value=-3),
    put("train", "columns", 0, "type", value="text"),
    put("train", "columns", 0, "numbers", value=None),
    put("train", "columns", 0, "numbers", "percentiles", value=[1.0]),
    put("train", "columns", 0, "numbers", "percentiles", 50, value=1e9),
    put("train", "columns", 0, "numbers", "histogram", value=[10**6]),
    put("train", "columns", 0, "numbers", "std", value=-1.0),
    put("train", "columns", value=[]),
    put("train", "columns", value=None),
    put("train", "images", value={}),
]
OF_IMAGES = [
    put("train", "images", value=None),
    put("train", "images", "sizes", value=[]),
    put("train", "images", "sizes", 0, 0, value=0),
    put("train", "images", "modes", value=[["L", 1000]]),
    put("train", "images", "bytes", "count", value=1),
]


class TestReadProfile:
    @pytest.mark.parametrize("kind", ["table", "pictures"])
    def test_reads_what_was_written(self, kind, request):
        prepared = request.getfixturevalue(kind)
        data = prepared.profile.path.read_bytes()

        assert write_profile(read_profile(data, prepared.manifest)) == data

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"schema": 1}', b"\xff", b"[" * 9999])
    def test_what_is_no_profile_is_refused(self, data):
        with pytest.raises(ProfileDamaged):
            read_profile(data)

    @pytest.mark.parametrize("change", COMMON + OF_TABLES)
    def test_of_a_table_believes_nothing(self, table, change):
        with pytest.raises(ProfileDamaged):
            read_profile(changed(table, change), table.manifest)

    @pytest.mark.parametrize("change", COMMON + OF_IMAGES)
    def test_of_images_believes_nothing(self, pictures, change):
        with pytest.raises(ProfileDamaged):
            read_profile(changed(pictures, change), pictures.manifest)

    def test_fields_of_a_newer_profiler_are_passed_over(self, table):
        data = changed(table, put("novelty", value=1))

        assert read_profile(data, table.manifest).version == table.manifest.id
