import os

import pytest

from pileus.core.clock import SystemClock
from pileus.core.errors import InvalidRequest, LimitExceeded
from pileus.core.retrying import Backoff
from pileus.worker.artifacts import UploadRefused, upload
from tests.unit.worker.fakes import FakeServer, digest_of


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def out(tmp_path):
    directory = tmp_path / "out"
    (directory / "deep").mkdir(parents=True)
    (directory / "a").write_bytes(b"same")
    (directory / "deep" / "b").write_bytes(b"same")
    return directory


def backoff():
    return Backoff(SystemClock(), 0.01)


class TestUpload:
    async def test_every_file_is_listed_and_equal_bytes_travel_once(self, server, out):
        artifacts = await upload("default", out, server, backoff())

        assert [(a.path, a.digest, a.size) for a in artifacts] == [
            ("a", digest_of(b"same"), 4),
            ("deep/b", digest_of(b"same"), 4),
        ]
        assert server.blobs == {digest_of(b"same"): b"same"}

    async def test_what_is_no_file_of_ours_is_left_out(self, server, out):
        (out / "link").symlink_to("/etc/passwd")
        (out / "links").symlink_to("/etc")
        os.mkfifo(out / "pipe")

        artifacts = await upload("default", out, server, backoff())

        assert [artifact.path for artifact in artifacts] == ["a", "deep/b"]

    async def test_a_name_that_is_no_text_is_left_out(self, server, out):
        (out / os.fsdecode(b"\xff")).write_bytes(b"x")

        artifacts = await upload("default", out, server, backoff())

        assert len(artifacts) == 2

    async def test_nothing_is_nothing(self, server, tmp_path):
        assert await upload("default", tmp_path / "none", server, backoff()) == ()

    async def test_a_full_store_is_tried_again(self, server, out, monkeypatch):
        put, tries = server.put_blob, []

        async def full_at_first(project, artifact, path):
            tries.append(path)
            if len(tries) == 1:
                raise LimitExceeded("no room")
            await put(project, artifact, path)

        monkeypatch.setattr(server, "put_blob", full_at_first)

        assert len(await upload("default", out, server, backoff())) == 2

    async def test_a_refusal_is_final(self, server, out):
        server.refuses_blobs = InvalidRequest("too large")

        with pytest.raises(UploadRefused, match="too large"):
            await upload("default", out, server, backoff())
