import shutil
import stat
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest

from pileus.data.errors import ArchiveRefused, ArchiveTooLarge, SourceFaulty
from pileus.data.faults import Faults
from pileus.data.sources import scratch
from pileus.data.sources.archives.unpacking import unpacked
from pileus.data.sources.detect import open_source
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import idx, ingested, png, table_text
from tests.unit.data.packed import tarred, zipped

PETS = {f"pets/{name}/{n}.png": png(n) for n, name in enumerate(["cats", "dogs", "cats"])}
LINK, PIPE = stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644


def write_parquet(path):
    pa = pytest.importorskip("pyarrow", reason="pileus[parquet] is not installed")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"age": list(range(40)), "label": ["no", "yes"] * 20}), path)


def write_json_lines(path):
    path.write_text("".join(f'{{"age": {n}, "label": "{"ny"[n % 2]}"}}\n' for n in range(40)))


def write_npz(path):
    np.savez_compressed(path, X=np.arange(80).reshape(40, 2), y=np.arange(40) % 2)


WRITERS = {"t.parquet": write_parquet, "t.jsonl": write_json_lines, "t.npz": write_npz}


def options(tmp_path, *, skip=False):
    return SourceOptions(tmp_path / "scratch", faults=Faults(skip=skip))


def opened(tmp_path, path, *, skip=False):
    return open_source(str(path), options(tmp_path, skip=skip))


class TestKinds:
    @pytest.mark.parametrize(
        "ending, mode",
        [
            ("tar", "w"),
            ("tar.gz", "w:gz"),
            ("tgz", "w:gz"),
            ("tar.bz2", "w:bz2"),
            ("tar.xz", "w:xz"),
        ],
    )
    def test_a_tar_of_class_folders_is_read(self, tmp_path, ending, mode):
        source = opened(tmp_path, tarred(tmp_path / f"pets.{ending}", PETS, mode))

        assert [image.path for image in source.images()] == [
            "cats/0.png",
            "cats/2.png",
            "dogs/1.png",
        ]
        assert source.name == f"archive:pets.{ending}"

    def test_a_zip_of_class_folders_is_read(self, tmp_path):
        members = PETS | {"__MACOSX/pets/._1.png": b"x", "pets/.DS_Store": b"x"}

        source = opened(tmp_path, zipped(tmp_path / "Pets.ZIP", members))

        assert len(list(source.images())) == 3

    def test_a_zip_of_one_table_beside_its_description_is_read(self, tmp_path):
        members = {"t.csv": table_text().encode(), "README.md": b"about"}

        source = opened(tmp_path, zipped(tmp_path / "t.zip", members))

        assert next(source.rows()).cells == ["age", "weight", "label"]

    def test_a_zip_of_idx_files_is_read(self, tmp_path):
        idx(tmp_path / "mnist")
        members = {path.name: path.read_bytes() for path in (tmp_path / "mnist").iterdir()}

        source = opened(tmp_path, zipped(tmp_path / "mnist.zip", members))

        assert len(list(source.images())) == 20

    @pytest.mark.parametrize("pack", [zipped, tarred])
    @pytest.mark.parametrize("name", ["t.parquet", "t.jsonl", "t.npz"])
    def test_one_file_is_the_version_that_it_is_unpacked(self, tmp_path, name, pack):
        WRITERS[name](tmp_path / name)
        members = {f"data/{name}": (tmp_path / name).read_bytes(), "README.md": b"about"}

        packed = ingested(
            pack(tmp_path / f"x.{'zip' if pack is zipped else 'tar'}", members), tmp_path / "out"
        )

        assert packed.manifest.id == ingested(tmp_path / name, tmp_path / "out").manifest.id
        assert packed.manifest.rows.train + packed.manifest.rows.untouched == 40

    def test_names_in_utf_8_that_do_not_say_so_are_read(self, tmp_path):
        path = zipped(tmp_path / "t.zip", {"T__te/1.png": png(), "b/1.png": png(1)})
        path.write_bytes(path.read_bytes().replace(b"T__te", "Tête".encode()))

        labels = {image.label for image in opened(tmp_path, path).images()}

        assert labels == {"Tête", "b"}


class TestRefusals:
    @pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "a\\b"])
    def test_a_name_that_leads_out_is_named(self, tmp_path, name):
        for path in (
            zipped(tmp_path / "x.zip", {name: b"x"}),
            tarred(tmp_path / "x.tar", {name: b"x"}),
        ):
            with pytest.raises(ArchiveRefused) as refusal:
                unpacked(path, path.name, options(tmp_path))

            assert repr(name) in refusal.value.message
        assert not list(tmp_path.rglob("evil.png"))

    def test_links_and_pipes_are_named(self, tmp_path):
        archive = zipped(
            tmp_path / "x.zip",
            {"a": b"/etc/passwd", "p": b""},
            kinds={"a": LINK, "p": PIPE},
        )
        with pytest.raises(ArchiveRefused, match=r"'a', which is a link.*'p', which is a device"):
            unpacked(archive, "x.zip", options(tmp_path))

        kinds = {"a": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "p": tarfile.FIFOTYPE}
        archive = tarred(
            tmp_path / "x.tar", {"a": b"/etc/passwd", "h": b"a", "p": b""}, kinds=kinds
        )
        with pytest.raises(ArchiveRefused, match=r"'a', which is a link.*'h', which is a link"):
            unpacked(archive, "x.tar", options(tmp_path))

    def test_the_same_name_twice_is_named(self, tmp_path):
        path = zipped(tmp_path / "x.zip", {"a.csv": b"1", "b.csv": b"2"})
        path.write_bytes(path.read_bytes().replace(b"b.csv", b"a.csv"))

        with pytest.raises(ArchiveRefused, match=r"'a\.csv' twice"):
            unpacked(tmp_path / "x.zip", "x.zip", options(tmp_path))

    def test_an_encrypted_member_is_named(self, tmp_path):
        path = zipped(tmp_path / "x.zip", {"a.csv": b"a"})
        data = bytearray(path.read_bytes())
        for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            data[data.index(mark) + offset] |= 1
        path.write_bytes(data)

        with pytest.raises(ArchiveRefused, match=r"'a\.csv', which is encrypted"):
            unpacked(path, "x.zip", options(tmp_path))

    def test_a_damaged_member_is_named_and_nothing_of_it_stays(self, tmp_path):
        path = zipped(tmp_path / "x.zip", {"a.csv": b"some text"})
        data = bytearray(path.read_bytes())
        data[data.index(b"PK\1\2") + 16] ^= 1  # its checksum
        path.write_bytes(data)

        with pytest.raises(ArchiveRefused, match=r"'a\.csv', which is damaged"):
            unpacked(path, "x.zip", options(tmp_path))

        assert not list((tmp_path / "scratch").rglob("a.csv"))

    def test_bad_members_are_passed_over_and_listed(self, tmp_path):
        path = zipped(tmp_path / "x.zip", PETS | {"../evil.png": b"x"})
        given = options(tmp_path, skip=True)

        source = open_source(str(path), given)

        assert len(list(source.images())) == 3
        assert [one.name for one in given.faults.skipped] == ["x.zip/../evil.png"]

    @pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
    @pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
    def test_a_truncated_tar_is_refused(self, tmp_path, mode, share):
        ending = mode.replace("w", "tar").replace(":", ".")
        whole = tarred(tmp_path / f"x.{ending}", PETS, mode).read_bytes()
        path = tmp_path / f"y.{ending}"
        end = len(whole) if mode != "w" else len(whole.rstrip(b"\0"))
        path.write_bytes(whole[: int(end * share)])

        with pytest.raises(ArchiveRefused, match="not a whole tar archive"):
            unpacked(path, path.name, options(tmp_path))

    def test_a_truncated_zip_is_refused(self, tmp_path):
        path = zipped(tmp_path / "x.zip", PETS)
        path.write_bytes(path.read_bytes()[:-30])

        with pytest.raises(ArchiveRefused, match="not a whole zip archive"):
            unpacked(path, "x.zip", options(tmp_path))


class TestBombs:
    @pytest.mark.parametrize("ending", ["zip", "tar.gz"])
    def test_more_than_the_ratio_is_refused(self, tmp_path, monkeypatch, ending):
        monkeypatch.setattr(scratch, "_ALWAYS_BYTES", 100_000)
        members = {f"{n}.csv": bytes(1_000_000) for n in range(4)}
        path = tmp_path / f"x.{ending}"
        if ending == "zip":
            zipped(path, members)
        else:
            tarred(path, members, "w:gz")

        with pytest.raises(ArchiveTooLarge, match="far more than it is"):
            unpacked(path, path.name, options(tmp_path))

    def test_a_header_that_lies_is_not_believed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(scratch, "_ALWAYS_BYTES", 100_000)
        path = zipped(tmp_path / "x.zip", {"a.csv": bytes(5_000_000)})
        data = path.read_bytes().replace((5_000_000).to_bytes(4, "little"), bytes([9, 0, 0, 0]))
        path.write_bytes(data)

        with pytest.raises((ArchiveTooLarge, ArchiveRefused)):
            unpacked(path, "x.zip", options(tmp_path))

        assert sum(one.stat().st_size for one in (tmp_path / "scratch").rglob("*.csv")) == 0

    def test_the_disk_is_not_filled(self, tmp_path, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
        path = zipped(tmp_path / "x.zip", {"a.csv": bytes(600)})

        with pytest.raises(ArchiveTooLarge, match="more than 500 bytes"):
            unpacked(path, "x.zip", options(tmp_path))


def test_faults_of_several_kinds_are_one_error(tmp_path):
    path = zipped(tmp_path / "x.zip", {f"../{n}": b"" for n in range(12)})

    with pytest.raises((ArchiveRefused, SourceFaulty), match=r"12 members .* and 2 more"):
        unpacked(path, "x.zip", options(tmp_path))
