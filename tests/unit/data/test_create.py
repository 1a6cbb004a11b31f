import pytest

from pileus.core.errors import InvalidRequest
from pileus.data.create import create_version
from tests.unit.data.build import csv_file, table_text


class Blobs:
    def __init__(self):
        self.stored = {}

    def missing(self, digests):
        return [digest for digest in digests if digest not in self.stored]

    def put(self, digest, path):
        self.stored[digest] = path.read_bytes()


class Datasets:
    def add_version(self, name, manifest, profile=None):
        return {"dataset": name, "manifest": manifest}


class Client:
    def __init__(self):
        self.blobs = Blobs()
        self.datasets = Datasets()


@pytest.fixture
def client():
    return Client()


class TestCreateVersion:
    def test_a_version_of_a_source_in_one_call(self, client, tmp_path):
        path = csv_file(tmp_path / "t.csv", table_text(40) + "1\n")

        created = create_version(client, "pets", str(path), skip_bad=True)

        assert created.version["dataset"] == "pets"
        assert created.version["manifest"] in client.blobs.stored
        assert [one.line for one in created.skipped] == [42]
        assert created.notices

    def test_a_bad_name_is_refused_before_anything_is_read(self, client):
        with pytest.raises(InvalidRequest, match="Pets!"):
            create_version(client, "Pets!", "nowhere.csv")
