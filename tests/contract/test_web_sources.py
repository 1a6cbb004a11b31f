"""Sources on a web server: what is fetched is the version that the local file is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pileus.data.errors import ChecksumRefused, SourceNotFound
from pileus.data.ingest import Prepared
from pileus.data.sources.detect import open_source
from pileus.data.sources.options import SourceOptions
from tests.e2e import shelf
from tests.unit.data.build import ingested, png, table_text
from tests.unit.data.packed import zipped

TABLE = table_text().encode()
PETS = {f"pets/{name}/{n}.png": png(10 * n + len(name)) for name in ("cat", "dogs") for n in (1, 2)}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[shelf.Shelf]:
    with shelf.served(tmp_path_factory.mktemp("web")) as found:
        yield found


def prepared(source: object, tmp_path: Path, checksum: str | None = None) -> Prepared:
    made: Prepared = ingested(source, tmp_path / "out", checksum=checksum)
    return made


def local(web: shelf.Shelf, address: str) -> Path:
    return web.folder / address.rpartition("/")[2]


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class TestVersion:
    def test_a_table_is_the_version_of_the_local_file(
        self, web: shelf.Shelf, tmp_path: Path
    ) -> None:
        address = web.put("t.csv", TABLE)

        fetched = prepared(address, tmp_path)

        assert fetched.manifest.id == prepared(local(web, address), tmp_path).manifest.id
        assert fetched.manifest.source == address

    def test_an_archive_of_images_is_the_version_of_the_local_file(
        self, web: shelf.Shelf, tmp_path: Path
    ) -> None:
        address = web.put("pets.zip", zipped(tmp_path / "pets.zip", PETS).read_bytes())

        fetched = prepared(address, tmp_path)

        assert fetched.manifest.id == prepared(local(web, address), tmp_path).manifest.id
        assert len(fetched.manifest.items) == len(PETS)

    def test_a_source_is_read_where_it_was_fetched_to(
        self, web: shelf.Shelf, tmp_path: Path
    ) -> None:
        source = open_source(web.put("t.csv", TABLE), SourceOptions(tmp_path / "scratch"))

        assert source.kind == "table"
        assert next(iter(source.rows())).cells == ["age", "weight", "label"]

    def test_nothing_of_what_was_fetched_stays(self, web: shelf.Shelf, tmp_path: Path) -> None:
        made = prepared(web.put("t.csv", TABLE), tmp_path)

        files = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
        assert files == {blob.path for blob in made.blobs}

    def test_a_secret_of_the_address_is_not_in_the_version(
        self, web: shelf.Shelf, tmp_path: Path
    ) -> None:
        address = web.put("t.csv", TABLE)

        made = prepared(f"{address}?signature=a-secret", tmp_path)

        assert made.manifest.source == address
        assert not [notice for notice in made.notices if "a-secret" in notice]

    def test_what_is_not_there_is_named(self, web: shelf.Shelf, tmp_path: Path) -> None:
        with pytest.raises(SourceNotFound, match=r"nothing\.csv'.*404"):
            prepared(f"{web.web}/nothing.csv", tmp_path)


class TestChecksum:
    def test_the_right_one_is_accepted(self, web: shelf.Shelf, tmp_path: Path) -> None:
        address = web.put("t.csv", TABLE)

        made = prepared(address, tmp_path, sha256(TABLE))

        assert made.manifest.id == prepared(local(web, address), tmp_path).manifest.id
        assert not [notice for notice in made.notices if "checksum" in notice]

    def test_the_one_of_an_archive_is_of_the_archive(
        self, web: shelf.Shelf, tmp_path: Path
    ) -> None:
        data = zipped(tmp_path / "t.zip", {"t.csv": TABLE}).read_bytes()
        address = web.put("t.zip", data)

        assert prepared(address, tmp_path, sha256(data)).manifest.rows.train
        with pytest.raises(ChecksumRefused):
            prepared(address, tmp_path, sha256(TABLE))

    def test_a_wrong_one_is_refused_with_the_right_one(
        self, web: shelf.Shelf, tmp_path: Path
    ) -> None:
        address = web.put("t.csv", TABLE)

        with pytest.raises(ChecksumRefused) as refusal:
            prepared(address, tmp_path, sha256(b"another file"))

        assert sha256(TABLE).removeprefix("sha256:") in refusal.value.message
        assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]

    def test_the_one_that_a_notice_proposes_is_accepted(
        self, web: shelf.Shelf, tmp_path: Path
    ) -> None:
        address = web.put("t.csv", TABLE)
        [notice] = [one for one in prepared(address, tmp_path).notices if "checksum" in one]

        again = prepared(address, tmp_path, notice.rpartition(" ")[2])

        assert again.manifest.rows.train
