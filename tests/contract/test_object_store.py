"""Sources on object storage: one suite, two S3 servers."""

import contextlib
import hashlib
import shutil

import obstore
import pytest
from obstore.exceptions import BaseError

from pileus.data.errors import (
    ArchiveTooLarge,
    ChecksumRefused,
    SourceChanged,
    SourceNotFound,
    SourceUnreadable,
)
from pileus.data.faults import Faults
from pileus.data.progress import Progress
from pileus.data.sources.detect import open_source
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.remote import object_store
from pileus.data.sources.remote.address import object_address
from pileus.data.sources.remote.object_store import fetch_objects, open_store
from pileus.gateway.errors import ObjectNotAllowed, ObjectNotFound, ObjectTooLarge
from pileus.gateway.objects import AllowedObjects
from tests.contract import s3_servers
from tests.unit.data.build import csv_file, ingested, png, table_text
from tests.unit.data.packed import zipped


class Bucket:
    """A bucket to fill, and how a person is given access to it."""

    def __init__(self, name, settings):
        self.name = name
        self.settings = settings
        self.store = open_store(object_address(f"s3://{s3_servers.BUCKET}/"), settings)

    def put(self, key, data):
        obstore.put(self.store, key, data)

    def environment(self):
        return {
            "AWS_ENDPOINT_URL": self.settings.endpoint,
            "AWS_ACCESS_KEY_ID": s3_servers.KEY,
            "AWS_SECRET_ACCESS_KEY": s3_servers.SECRET,
        }


@pytest.fixture(scope="module", params=s3_servers.NAMES)
def bucket(request, tmp_path_factory):
    with s3_servers.s3_server(request.param, tmp_path_factory.mktemp("s3")) as settings:
        found = Bucket(request.param, settings)
        if request.param == "moto":
            import urllib.request  # one request

            url = f"{settings.endpoint}/{s3_servers.BUCKET}"
            urllib.request.urlopen(urllib.request.Request(url, method="PUT")).close()
        yield found


def fetched(bucket, tmp_path, key, **options):
    address = object_address(f"s3://{s3_servers.BUCKET}/{key}")
    into = tmp_path / "fetched"
    into.mkdir(parents=True, exist_ok=True)
    given = SourceOptions(tmp_path, **options)
    return fetch_objects(address, bucket.settings, into, given)


class TestOneObject:
    def test_is_fetched_in_pieces(self, bucket, tmp_path, monkeypatch):
        monkeypatch.setattr(object_store, "PIECE_BYTES", 100_000)
        data = bytes(range(256)) * 4000
        bucket.put("pieces/t.bin", data)
        seen: list[Progress] = []

        path = fetched(bucket, tmp_path, "pieces/t.bin", report=seen.append)

        assert path.read_bytes() == data
        assert len(seen) > 3
        assert (seen[-1].done, seen[-1].total) == (len(data), len(data))

    def test_that_is_not_there_is_named(self, bucket, tmp_path):
        with pytest.raises(SourceNotFound, match="'s3://data/nothing/here'"):
            fetched(bucket, tmp_path, "nothing/here")

    def test_that_changes_before_it_is_read_is_refused(self, bucket, tmp_path, monkeypatch):
        bucket.put("changing.bin", bytes(3000))
        get = obstore.get

        def written_to(store, key, **options):
            bucket.put("changing.bin", b"x" * 3000)
            return get(store, key, **options)

        monkeypatch.setattr(obstore, "get", written_to)

        with pytest.raises(SourceChanged, match=r"changing\.bin"):
            fetched(bucket, tmp_path, "changing.bin")

        assert not list((tmp_path / "fetched").iterdir())

    def test_that_does_not_fit_on_the_disk_is_refused(self, bucket, tmp_path, monkeypatch):
        bucket.put("large.bin", bytes(2000))
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3000))

        with pytest.raises(ArchiveTooLarge, match="1,500 bytes"):
            fetched(bucket, tmp_path, "large.bin")


class TestPrefix:
    def test_is_a_folder_of_all_below_it(self, bucket, tmp_path):
        for number in range(30):
            bucket.put(f"pets/{'cats' if number % 2 else 'dogs'}/{number} é.png", png(number))
        bucket.put("pets2/cats/other.png", png())

        for key in ("pets", "pets/"):
            root = fetched(bucket, tmp_path / key.strip("/") / str(len(key)), key)
            found = [path for path in root.rglob("*") if path.is_file()]
            assert len(found) == 30
            assert (root / "dogs" / "2 é.png").read_bytes() == png(2)

    def test_markers_of_folders_are_no_files(self, bucket, tmp_path):
        if bucket.name == "rclone":
            pytest.skip("its objects are files, so it has no such markers")
        import httpx  # to write a key that obstore would not

        with contextlib.suppress(BaseError):
            httpx.put(f"{bucket.settings.endpoint}/data/marked/").raise_for_status()
            httpx.put(f"{bucket.settings.endpoint}/data/marked/a/").raise_for_status()
        bucket.put("marked/a/1.csv", b"x")

        root = fetched(bucket, tmp_path, "marked/")

        assert [path.name for path in root.rglob("*")] == ["a", "1.csv"]

    def test_of_nothing_is_named(self, bucket, tmp_path):
        with pytest.raises(SourceNotFound, match="'s3://data/no/such/prefix/'"):
            fetched(bucket, tmp_path, "no/such/prefix/")


class TestOpenSource:
    def test_reads_class_folders_by_the_usual_variables(self, bucket, tmp_path, monkeypatch):
        for name, value in bucket.environment().items():
            monkeypatch.setenv(name, value)
        for number in range(6):
            bucket.put(f"set/{number % 2}/{number}.png", png(number))

        source = open_source("s3://data/set", SourceOptions(tmp_path, faults=Faults()))

        assert len(list(source.images())) == 6
        assert source.name == "s3://data/set"

    def test_reads_an_archive_with_its_checksum(self, bucket, tmp_path, monkeypatch):
        for name, value in bucket.environment().items():
            monkeypatch.setenv(name, value)
        path = zipped(tmp_path / "t.zip", {"t.csv": table_text().encode()})
        bucket.put("tables/t.zip", path.read_bytes())
        right = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        options = SourceOptions(tmp_path / "scratch", checksum=right)

        source = open_source("s3://data/tables/t.zip", options)

        assert len(list(source.rows())) == 41
        assert options.notices == []

    def test_refuses_an_archive_with_another_checksum(self, bucket, tmp_path, monkeypatch):
        for name, value in bucket.environment().items():
            monkeypatch.setenv(name, value)
        path = zipped(tmp_path / "t.zip", {"t.csv": table_text().encode()})
        bucket.put("tables/t.zip", path.read_bytes())
        wrong = SourceOptions(tmp_path / "scratch", checksum=f"sha256:{'0' * 64}")

        with pytest.raises(ChecksumRefused, match="has SHA-256"):
            open_source("s3://data/tables/t.zip", wrong)

    def test_proposes_the_checksum_that_was_not_given(self, bucket, tmp_path, monkeypatch):
        for name, value in bucket.environment().items():
            monkeypatch.setenv(name, value)
        bucket.put("tables/t.csv", table_text().encode())
        options = SourceOptions(tmp_path / "scratch")

        open_source("s3://data/tables/t.csv", options)

        found = hashlib.sha256(table_text().encode()).hexdigest()
        assert f"--checksum sha256:{found}" in options.notices[0]

    def test_is_the_version_of_the_local_file(self, bucket, tmp_path, monkeypatch):
        for name, value in bucket.environment().items():
            monkeypatch.setenv(name, value)
        path = csv_file(tmp_path / "t.csv", table_text())
        bucket.put("tables/same.csv", path.read_bytes())
        right = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"

        fetched = ingested("s3://data/tables/same.csv", tmp_path / "out", checksum=right)

        assert fetched.manifest.id == ingested(path, tmp_path / "out").manifest.id

    def test_never_shows_a_secret(self, bucket, tmp_path):
        if bucket.name == "moto":
            pytest.skip("it lets everybody in")
        wrong = s3_servers.settings(bucket.settings.endpoint, secret="quite-another-secret")
        bucket.put("private.bin", b"x")

        with pytest.raises(SourceUnreadable, match="may not be read") as refusal:
            fetched(Bucket(bucket.name, wrong), tmp_path, "private.bin")

        assert "quite-another-secret" not in f"{refusal.value} {refusal.value.hint}"
        assert "AWS_ACCESS_KEY_ID" in refusal.value.hint


def test_a_server_that_is_away_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(object_store, "_PATIENCE", object_store._PATIENCE / 60)
    away = s3_servers.settings("http://127.0.0.1:9")

    with pytest.raises(SourceUnreadable, match="cannot be read"):
        fetched(Bucket("away", away), tmp_path, "t.bin")


class TestByReference:
    async def test_the_gateway_reads_what_its_list_covers(self, bucket, monkeypatch):
        for name, value in bucket.environment().items():
            monkeypatch.setenv(name, value)
        bucket.put("public/a é.png", png())
        bucket.put("private/a.png", png())
        objects = AllowedObjects(("s3://data/public",), max_bytes=10_000, seconds=10)

        assert (await objects.fetch("s3://data/public/a é.png"))[1] == png()
        with pytest.raises(ObjectNotAllowed):
            await objects.fetch("s3://data/private/a.png")
        with pytest.raises(ObjectNotAllowed):
            await objects.fetch("s3://data/public/../private/a.png")
        with pytest.raises(ObjectNotFound):
            await objects.fetch("s3://data/public/%2e%2e/private/a.png")
        with pytest.raises(ObjectNotFound):
            await objects.fetch("s3://data/public/missing.png")

    async def test_an_object_that_is_too_large_is_not_read(self, bucket, monkeypatch):
        for name, value in bucket.environment().items():
            monkeypatch.setenv(name, value)
        bucket.put("public/large.png", bytes(10_001))
        objects = AllowedObjects(("s3://data/public",), max_bytes=10_000, seconds=10)

        with pytest.raises(ObjectTooLarge):
            await objects.fetch("s3://data/public/large.png")
