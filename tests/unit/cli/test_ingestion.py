import hashlib
import json

import httpx
import pytest

from pileus.cli.ingestion import create_version
from pileus.cli.session import Session
from pileus.core.errors import InvalidRequest
from pileus.sdk import Client


class Server:
    """Keeps blobs and makes versions of manifests."""

    def __init__(self):
        self.blobs: dict[str, bytes] = {}
        self.uploads = 0

    def __call__(self, request):
        tail = request.url.path.removeprefix("/api/v1/projects/default/")
        if tail == "blobs/missing":
            asked = json.loads(request.content)["digests"]
            return httpx.Response(200, json={"missing": [d for d in asked if d not in self.blobs]})
        if request.method == "PUT":
            digest = tail.rpartition("/")[2]
            assert hashlib.sha256(request.content).hexdigest() == digest
            self.blobs[digest] = request.content
            self.uploads += 1
            return httpx.Response(204)
        manifest = json.loads(self.blobs[json.loads(request.content)["manifest"]])
        return httpx.Response(201, json={"id": manifest["id"], "dataset": tail.split("/")[1]})


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def session(server):
    made = Session(json=True)
    made.__dict__["client"] = Client(
        "http://pileus.test", "plt_x", transport=httpx.MockTransport(server)
    )
    return made


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{n},{'yes' if n % 2 else 'no'}\n" for n in range(40))
    path.write_text(f"size,kind\n{rows}")
    return path


class TestCreateVersion:
    def test_what_is_missing_is_uploaded_and_named_by_its_content(self, session, server, table):
        version = create_version(session, "kinds", str(table), label="kind")

        assert version["dataset"] == "kinds"
        assert version["id"].startswith("dsv_")
        assert server.uploads >= 2

    def test_the_same_source_uploads_nothing_again(self, session, server, table):
        first = create_version(session, "kinds", str(table), label="kind")
        uploads = server.uploads

        again = create_version(session, "kinds", str(table), label="kind")

        assert (again["id"], server.uploads) == (first["id"], uploads)

    def test_an_unknown_task_is_refused_before_anything_is_read(self, session, table):
        with pytest.raises(InvalidRequest, match="'guess'"):
            create_version(session, "kinds", str(table), task="guess")

    def test_what_was_skipped_is_told(self, session, table):
        table.write_text(table.read_text() + "1\n7,\n")

        version = create_version(session, "kinds", str(table), label="kind", skip_bad=True)

        assert [(one["name"], one["line"], one["code"]) for one in version["skipped"]] == [
            ("a.csv", 42, "table_damaged"),
            ("a.csv", 43, "label_refused"),
        ]

    def test_options_reach_the_source(self, session, tmp_path):
        path = tmp_path / "b.csv"
        path.write_bytes(
            "".join(f"{n},{'是' if n % 2 else '否'}\n" for n in range(40)).encode("gbk")
        )

        version = create_version(
            session, "kinds", str(path), encoding="gbk", columns=("size", "kind")
        )

        assert version["id"].startswith("dsv_")
