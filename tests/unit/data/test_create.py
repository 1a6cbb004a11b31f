from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from pileus.core.errors import InvalidRequest
from pileus.data.create import create_version
from tests.unit.data.build import csv_file, table_text


class Blobs:
    def __init__(self, staging=None):
        self.stored = {}
        self.came_from = set()
        self._staging = staging

    @contextmanager
    def staging(self):
        yield self._staging

    def missing(self, digests):
        return [digest for digest in digests if digest not in self.stored]

    def put(self, digest, path):
        self.stored[digest] = path.read_bytes()
        self.came_from.add(path.parent)


class Datasets:
    def add_version(self, name, manifest, profile=None):
        return {"dataset": name, "manifest": manifest}


def client_of(blobs: Blobs) -> Any:
    """As much of a client as making a version takes."""
    return SimpleNamespace(blobs=blobs, datasets=Datasets())


class TestCreateVersion:
    def test_a_version_of_a_source_in_one_call(self, tmp_path):
        client = client_of(Blobs())
        path = csv_file(tmp_path / "t.csv", table_text(40) + "1\n")

        created = create_version(client, "pets", str(path), skip_bad=True)

        assert created.version["dataset"] == "pets"
        assert created.version["manifest"] in client.blobs.stored
        assert [one.line for one in created.skipped] == [42]
        assert created.notices

    def test_packs_are_left_where_the_server_takes_them_from(self, tmp_path):
        far, near = client_of(Blobs()), client_of(Blobs(tmp_path / "staging"))
        path = csv_file(tmp_path / "t.csv", table_text(40))

        for client in (far, near):
            create_version(client, "pets", str(path))

        assert near.blobs.stored == far.blobs.stored
        assert tmp_path / "staging" in near.blobs.came_from
        assert list((tmp_path / "staging").iterdir()) == []

    def test_a_bad_name_is_refused_before_anything_is_read(self):
        with pytest.raises(InvalidRequest, match="Pets!"):
            create_version(client_of(Blobs()), "Pets!", "nowhere.csv")
