"""Sources on a web server: what is fetched is the version that the local file is."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pileus.data.errors import ChecksumRefused, SourceNotFound, SourceUnreadable
from pileus.data.ingest import Prepared
from pileus.data.sources.detect import open_source
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.remote import download
from tests.e2e import shelf
from tests.unit.data.build import ingested, png, table_text
from tests.unit.data.packed import zipped

TABLE = table_text().encode()
PETS = {f"pets/{name}/{n}.png": png(10 * n + len(name)) for name in ("cat", "dogs") for n in (1, 2)}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[shelf.Shelf]:
    with shelf.served(tmp_path_factory.mktemp("web")) as found:
        yield found


@dataclass(frozen=True)
class Certificate:
    """Of a server at 127.0.0.1, vouched for by nobody but itself; with its key."""

    path: Path

    @classmethod
    def made(cls, directory: Path) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = directory / "server.pem"
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
        return cls(path)

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context


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


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Certificate:
        return Certificate.made(tmp_path)

    @pytest.fixture
    def web(self, tmp_path: Path, certificate: Certificate) -> Iterator[shelf.Shelf]:
        with shelf.served(tmp_path, certificate.context()) as found:
            yield found

    def test_a_table_is_the_version_of_the_local_file(
        self,
        web: shelf.Shelf,
        certificate: Certificate,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        address = web.put("t.csv", TABLE)

        fetched = prepared(address, tmp_path, sha256(TABLE))

        assert address.startswith("https://")
        assert fetched.manifest.id == prepared(local(web, address), tmp_path).manifest.id

    def test_a_server_that_nobody_vouches_for_is_refused_at_once(
        self, web: shelf.Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_patience(seconds: float) -> None:
            pytest.fail(f"waits for {seconds} s")

        monkeypatch.setattr(download, "download", partial(download.download, sleep=no_patience))

        with pytest.raises(SourceUnreadable, match="certificate verify failed") as refusal:
            open_source(web.put("t.csv", TABLE), SourceOptions(tmp_path / "scratch"))

        assert "SSL_CERT_FILE" in str(refusal.value.hint)


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
