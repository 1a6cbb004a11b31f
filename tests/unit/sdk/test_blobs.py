import hashlib
import json
import subprocess
import sys

import httpx
import pytest

from pileus.core.staging import staging_root
from pileus.sdk import Client

CONTENT = b"what a pack holds"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """The routes that blobs come by; without `takes_files`, as a release before this one had them."""

    def __init__(self, home, takes_files=True):
        self.home = home
        self.takes_files = takes_files
        self.blobs = {}
        self.asked = []

    def __call__(self, request):
        *_, digest = request.url.path.removesuffix("/staged").split("/")
        self.asked.append(request.method)
        if request.method == "PUT":
            self.blobs[digest] = request.content
        elif self.takes_files:
            directory = json.loads(request.content)["directory"]
            self.blobs[digest] = (staging_root(self.home) / directory / digest).read_bytes()
        else:
            error = {"code": "not_found", "family": "not_found", "message": "no such route"}
            return httpx.Response(404, json={"error": error})
        return httpx.Response(200, json={})


@pytest.fixture
def home(tmp_path):
    staging_root(tmp_path).mkdir()
    return tmp_path


def client_of(server, home=None):
    return Client("http://here", "plt_x", transport=httpx.MockTransport(server), home=home)


class TestStaging:
    def test_the_server_takes_a_file_from_where_it_lies(self, home):
        server = Server(home)

        with client_of(server, home) as client, client.blobs.staging() as directory:
            (directory / DIGEST).write_bytes(CONTENT)
            client.blobs.put(DIGEST, directory / DIGEST)

        assert server.blobs == {DIGEST: CONTENT}
        assert server.asked == ["POST"]
        assert list(staging_root(home).iterdir()) == []

    def test_a_server_that_does_not_know_it_is_sent_the_file(self, home):
        server = Server(home, takes_files=False)

        with client_of(server, home) as client, client.blobs.staging() as directory:
            (directory / DIGEST).write_bytes(CONTENT)
            client.blobs.put(DIGEST, directory / DIGEST)

        assert server.blobs == {DIGEST: CONTENT}
        assert server.asked == ["POST", "PUT"]

    def test_what_lies_elsewhere_is_sent(self, home, tmp_path):
        server = Server(home)
        (tmp_path / DIGEST).write_bytes(CONTENT)

        with client_of(server, home) as client:
            client.blobs.put(DIGEST, tmp_path / DIGEST)
            client.blobs.put(DIGEST, CONTENT)

        assert server.asked == ["PUT", "PUT"]

    def test_there_is_none_without_a_home_or_without_room_in_it(self, tmp_path):
        for home in (None, tmp_path):
            with client_of(Server(tmp_path), home) as client, client.blobs.staging() as directory:
                assert directory is None

    def test_the_client_needs_no_locks_of_files(self):
        script = "import sys; sys.modules['fcntl'] = None; from pileus.sdk import Client"

        subprocess.run([sys.executable, "-c", script], check=True)
