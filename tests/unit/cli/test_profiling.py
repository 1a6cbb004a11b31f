import pytest

from pileus.cli.profiling import document, fetch_profile, profile_again
from pileus.core.errors import NotFound
from tests.unit.cli.versions import VersionServer
from tests.unit.data.build import csv_file, ingested, table_text


@pytest.fixture
def prepared(tmp_path):
    return ingested(csv_file(tmp_path / "t.csv", table_text()), tmp_path / "out")


@pytest.fixture
def server(prepared):
    return VersionServer(pets=prepared)


class TestFetch:
    def test_the_newest_profile_is_read(self, server, prepared):
        profile = fetch_profile(server.client(), server.names["pets"])

        assert profile.version == prepared.manifest.id
        shown = document(server.names["pets"], profile)
        assert shown["whole"]["rows"] == 40
        assert "findings" in shown
        assert shown["skipped"] is None

    def test_a_version_without_one_names_the_next_step(self, server, prepared):
        server.profiles[prepared.manifest.id] = []

        with pytest.raises(NotFound) as caught:
            fetch_profile(server.client(), server.names["pets"])

        assert "--again" in (caught.value.hint or "")


class TestAgain:
    def test_it_is_computed_from_the_bytes_of_the_server(self, server, prepared):
        server.profiles[prepared.manifest.id] = []
        del server.blobs[prepared.profile.digest]

        profile_again(server.client(), server.names["pets"])

        assert server.profiles[prepared.manifest.id] == [prepared.profile.digest]
        assert server.blobs[prepared.profile.digest] == prepared.profile.path.read_bytes()
