import hashlib
from time import sleep

import pytest

from pileus.core.errors import Unavailable
from pileus.core.names import InvalidName
from pileus.data.ingest import prepare
from pileus.data.packing import LocalBlob
from pileus.data.progress import Progress
from pileus.data.publish import Publishing, publish
from tests.unit.data.build import class_folder, ingested


class FakeUploader:
    """A server that has `blobs` and, if told so, fails at the put of number `fails_at`."""

    def __init__(self, fails_at=None):
        self.blobs: dict[str, bytes] = {}
        self.versions: list[tuple[str, str, str]] = []
        self.announced: list[list[str]] = []
        self._fails_at = fails_at

    def missing(self, digests):
        self.announced.append(list(digests))
        return [digest for digest in digests if digest not in self.blobs]

    def put_blob(self, digest, path):
        if len(self.blobs) == self._fails_at:
            raise Unavailable("gone")
        self.blobs[digest] = path.read_bytes()

    def create_version(self, name, manifest_digest, profile_digest):
        assert {manifest_digest, profile_digest} <= self.blobs.keys()
        self.versions.append((name, manifest_digest, profile_digest))
        return {"id": "dsv_1"}


@pytest.fixture
def prepared(tmp_path):
    return ingested(class_folder(tmp_path / "in", {"a": 3, "b": 3}), tmp_path / "out")


class TestPublish:
    def test_uploads_and_makes_the_version(self, prepared):
        uploader = FakeUploader()
        seen: list[Progress] = []

        answer = publish(uploader, "pets", prepared, seen.append)

        assert answer == {"id": "dsv_1"}
        assert set(uploader.blobs) == {blob.digest for blob in prepared.blobs}
        assert uploader.versions == [("pets", prepared.manifest_digest, prepared.profile.digest)]
        assert seen[-1].done == seen[-1].total == sum(blob.size for blob in prepared.blobs)

    def test_what_the_server_has_is_not_sent_again(self, prepared):
        uploader = FakeUploader()
        seen: list[Progress] = []
        publish(uploader, "pets", prepared)

        publish(uploader, "pets", prepared, seen.append)

        assert [one.total for one in seen] == [0]
        assert len(uploader.versions) == 2

    def test_reading_waits_for_a_slow_network_so_that_the_disk_does_not_fill(self, tmp_path):
        most = []

        class Slow(FakeUploader):
            def put_blob(self, digest, path):
                most.append(len(list(tmp_path.iterdir())))
                sleep(0.01)
                super().put_blob(digest, path)

        with Publishing(Slow(), "pets") as publishing:
            for number in range(20):
                path = tmp_path / str(number)
                path.write_bytes(b"")
                publishing.offer(LocalBlob(f"{number:064x}", path, 0))

        assert max(most) <= 10

    @pytest.mark.parametrize("fails_at", [0, 1])
    def test_a_failure_makes_no_version(self, prepared, fails_at):
        uploader = FakeUploader(fails_at)

        with pytest.raises(Unavailable):
            publish(uploader, "pets", prepared)

        assert uploader.versions == []

    def test_a_bad_name_is_refused_before_anything_is_sent(self, prepared):
        uploader = FakeUploader()

        with pytest.raises(InvalidName):
            publish(uploader, "Pets!", prepared)

        assert uploader.blobs == {}


class TestPublishing:
    def ingested(self, tmp_path, publishing):
        source = class_folder(tmp_path / "in", {"a": 3, "b": 3})
        return prepare(str(source), into=tmp_path / "out", sealed=publishing.offer)

    def test_packs_go_before_the_version_is_ready_and_leave_no_file(self, tmp_path):
        uploader = FakeUploader()

        with Publishing(uploader, "pets") as publishing:
            prepared = self.ingested(tmp_path, publishing)
            publishing.finish(prepared)

        assert set(uploader.blobs) == {blob.digest for blob in prepared.blobs}
        assert list((tmp_path / "out" / "packs").iterdir()) == []
        assert uploader.versions == [("pets", prepared.manifest_digest, prepared.profile.digest)]

    def test_what_the_server_has_is_not_sent_again(self, tmp_path, monkeypatch):
        uploader = FakeUploader()
        with Publishing(uploader, "pets") as publishing:
            publishing.finish(self.ingested(tmp_path / "one", publishing))
        monkeypatch.setattr(uploader, "put_blob", None)

        with Publishing(uploader, "pets") as publishing:
            publishing.finish(self.ingested(tmp_path / "two", publishing))

        assert len(uploader.versions) == 2

    def test_what_went_early_is_announced_again_before_it_is_named(self, tmp_path):
        uploader = FakeUploader()

        with Publishing(uploader, "pets") as publishing:
            prepared = self.ingested(tmp_path, publishing)
            publishing.finish(prepared)

        assert set(uploader.announced[-1]) == {blob.digest for blob in prepared.blobs}

    def test_what_went_long_ago_is_announced_again_with_what_goes_now(self, tmp_path, monkeypatch):
        monkeypatch.setattr("pileus.data.publish._ANNOUNCE_SECONDS", 0.0)
        uploader = FakeUploader()
        digests = []

        with Publishing(uploader, "pets") as publishing:
            for content in (b"one", b"two"):
                digests.append(hashlib.sha256(content).hexdigest())
                path = tmp_path / digests[-1]
                path.write_bytes(content)
                publishing.offer(LocalBlob(digests[-1], path, len(content)))
                while path.exists():
                    sleep(0.001)

        assert set(uploader.announced[-1]) == set(digests)

    @pytest.mark.parametrize("fails_at", [0, 1])
    def test_a_failure_makes_no_version(self, tmp_path, fails_at):
        uploader = FakeUploader(fails_at)

        with pytest.raises(Unavailable), Publishing(uploader, "pets") as publishing:
            publishing.finish(self.ingested(tmp_path, publishing))

        assert uploader.versions == []

    def test_reading_ends_when_sending_has_failed(self, tmp_path):
        made = []

        def keep_offering(publishing):
            for number in range(10_000):
                path = tmp_path / str(number)
                path.write_bytes(b"")
                made.append(path)
                publishing.offer(LocalBlob(f"{number:064x}", path, 0))
                sleep(0.001)

        with Publishing(FakeUploader(fails_at=0), "pets") as publishing, pytest.raises(Unavailable):
            keep_offering(publishing)

        assert len(made) < 10_000
