import hashlib
import json

import httpx
import pytest

from pileus.core.schemas.code import code_id, read_manifest
from pileus.sdk import Client
from tests.unit.sdk.snapshot.repository import committed, put


class Shelf:
    """The routes of blobs and code over a dict."""

    def __init__(self):
        self.blobs = {}
        self.codes = {}
        self.uploads = 0

    def __call__(self, request):
        *_, noun, name = request.url.path.split("/")
        if request.method == "PUT":
            self.uploads += 1
            self.blobs[name] = request.content
            return httpx.Response(200, json={})
        if name == "missing":
            asked = json.loads(request.content)["digests"]
            return httpx.Response(200, json={"missing": [d for d in asked if d not in self.blobs]})
        if name == "use":
            if noun not in self.codes:
                error = {"code": "code_not_found", "family": "not_found", "message": "no"}
                return httpx.Response(404, json={"error": error})
            return httpx.Response(200, json=self.codes[noun])
        body = json.loads(request.content)
        code = {"id": code_id(self.blobs[body["manifest"]])} | body
        self.codes[code["id"]] = code
        return httpx.Response(201, json=code)


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def client(shelf):
    return Client("http://pileus.test", "plt_x", transport=httpx.MockTransport(shelf))


class TestTake:
    def test_a_folder_is_uploaded_once(self, client, shelf, tmp_path):
        put(tmp_path, "a.py", "print(1)")

        first = client.code.take(tmp_path)
        uploads = shelf.uploads
        again = client.code.take(tmp_path)

        assert first.id == again.id
        assert shelf.uploads == uploads == 2
        manifest = read_manifest(shelf.blobs[first.code["manifest"]])
        assert [file.path for file in manifest.files] == ["a.py"]
        assert shelf.blobs[manifest.pack] == b"print(1)"

    def test_what_was_changed_since_the_commit_is_a_blob_of_its_own(self, client, shelf, tmp_path):
        put(tmp_path, "a.py", "old\n")
        committed(tmp_path)
        put(tmp_path, "a.py", "new\n")

        taken = client.code.take(tmp_path)

        provenance = taken.code["provenance"]
        assert (provenance["branch"], provenance["is_changed"]) == ("trunk", True)
        assert b"+new" in shelf.blobs[provenance["diff"]]

    def test_it_says_which_secrets_it_left_out(self, client, shelf, tmp_path):
        put(tmp_path, "a.py")
        put(tmp_path, ".env", "TOKEN=x")

        assert client.code.take(tmp_path).secrets == (".env",)
        assert client.code.take(tmp_path, include_secrets=True).secrets == ()
        assert hashlib.sha256(b"TOKEN=x").hexdigest() in {
            file.digest
            for code in shelf.codes.values()
            for file in read_manifest(shelf.blobs[code["manifest"]]).files
        }
