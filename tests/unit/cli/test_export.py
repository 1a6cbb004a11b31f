import errno
import hashlib
import json
import os
import tarfile
import zipfile
from pathlib import Path

import httpx
import pytest

from pileus.cli.export import ExportInTheWay, export_archive, export_items, placed, planned
from pileus.core.directory_locks import lock_directory
from pileus.core.errors import Conflict, InvalidRequest
from pileus.sdk import Client
from tests.unit.kills import kill_at

PACKS = {"p0": b"onetree", "p1": b"xy", "t0": b"a,b\n1,x\n2,y\n", "t1": b'a,b\n3,"p\nq"\n'}


def item(path, label, pack, start, end, split="train"):
    data = list(PACKS.values())[pack][start:end]
    return [path, label, hashlib.sha256(data).hexdigest(), end - start, split, pack, start]


IMAGES = {
    "kind": "images",
    "items": [
        item("a/1.pgm", "a", 0, 0, 3),
        item("b/2.pgm", "b", 1, 0, 2, "untouched"),
        item("all/3.pgm", "b", 0, 3, 7),
    ],
    "packs": [{"digest": name} for name in PACKS],
}
TABLE = IMAGES | {
    "kind": "table",
    "items": [
        item("train/part-00001.csv", "b", 3, 0, 14),
        item("train/part-00000.csv", "b", 2, 0, 12),
        item("untouched/part-00000.csv", "b", 2, 0, 12, "untouched"),
    ],
}
BLOBS = {"m": json.dumps(IMAGES).encode(), "t": json.dumps(TABLE).encode(), **PACKS}


@pytest.fixture
def client():
    def answer(request):
        return httpx.Response(200, content=BLOBS[request.url.path.rpartition("/")[2]])

    return Client("http://pileus.test", "plt_x", transport=httpx.MockTransport(answer))


@pytest.fixture
def target(tmp_path):
    return tmp_path / "items"


class TestImages:
    def test_each_item_is_a_file_with_its_own_bytes(self, client, target):
        export_items(client, {"manifest": "m"}, target)

        assert (target / "a" / "1.pgm").read_bytes() == b"one"
        assert (target / "b" / "2.pgm").read_bytes() == b"xy"
        assert (target / "b" / "3.pgm").read_bytes() == b"tree"

    def test_one_split_alone(self, client, target):
        made = export_items(client, {"manifest": "m"}, target, split="untouched")

        assert made == [target / "b" / "2.pgm"]

    def test_no_more_than_asked_for(self, client, target):
        assert len(export_items(client, {"manifest": "m"}, target, limit=2)) == 2

    def test_of_one_name_and_class_are_two_files(self):
        items = [item(f"{folder}/1.pgm", "b", 1, 0, 2) for folder in ("x", "y")]

        assert list(planned(IMAGES | {"items": items}, None, None)) == ["b/1.pgm", "b/1-2.pgm"]

    def test_that_are_not_what_the_manifest_names_are_no_export(self, client, target, monkeypatch):
        monkeypatch.setitem(BLOBS, "p1", b"??")

        with pytest.raises(Conflict, match="not the bytes"):
            export_items(client, {"manifest": "m"}, target)
        assert list(target.parent.iterdir()) == []


class TestTable:
    def test_is_one_file_per_side_with_one_header(self, client, target):
        made = export_items(client, {"manifest": "t"}, target)

        assert sorted(path.name for path in made) == ["train.csv", "untouched.csv"]
        assert (target / "train.csv").read_bytes() == b'a,b\n1,x\n2,y\n3,"p\nq"\n'

    def test_of_so_many_rows(self, client, target):
        export_items(client, {"manifest": "t"}, target, split="train", limit=3)

        assert (target / "train.csv").read_bytes() == b'a,b\n1,x\n2,y\n3,"p\nq"\n'
        export_items(client, {"manifest": "t"}, target, split="train", limit=1, replace=True)
        assert (target / "train.csv").read_bytes() == b"a,b\n1,x\n"


class TestTarget:
    def test_that_holds_the_same_is_left_as_it_is(self, client, target):
        for _ in range(2):
            export_items(client, {"manifest": "m"}, target)

        assert list(target.parent.iterdir()) == [target]

    @pytest.mark.parametrize("place", ["mine.txt", "a/1.pgm"])
    def test_that_holds_something_else_is_spared(self, client, target, place):
        export_items(client, {"manifest": "m"}, target)
        (target / place).write_text("mine")

        with pytest.raises(ExportInTheWay):
            export_items(client, {"manifest": "m"}, target)

        assert (target / place).read_text() == "mine"

    def test_is_replaced_when_asked(self, client, target):
        target.mkdir()
        (target / "mine.txt").write_text("mine")

        export_items(client, {"manifest": "m"}, target, replace=True)

        assert not (target / "mine.txt").exists()
        assert list(target.parent.iterdir()) == [target]

    def test_that_cannot_be_replaced_stays(self, client, target, monkeypatch):
        target.mkdir()
        (target / "mine.txt").write_text("mine")
        rename = Path.rename

        def full(path, to):
            if path.name == "made":
                raise OSError(errno.ENOSPC, "No space left on device")
            return rename(path, to)

        monkeypatch.setattr(Path, "rename", full)

        with pytest.raises(InvalidRequest, match="No space left"):
            export_items(client, {"manifest": "m"}, target, replace=True)

        assert (target / "mine.txt").read_text() == "mine"
        assert list(target.parent.iterdir()) == [target]

    def test_is_old_or_new_when_the_export_is_killed_and_the_next_one_tidies_up(
        self, client, target, tmp_path
    ):
        target.mkdir()
        (target / "mine.txt").write_text("mine")
        kill_at(
            "export.made",
            tmp_path / "points",
            lambda: export_items(client, {"manifest": "m"}, target, replace=True),
        )
        assert not target.exists()

        with pytest.raises(ExportInTheWay):
            export_items(client, {"manifest": "m"}, target)

        assert (target / "mine.txt").read_text() == "mine"
        assert not list(tmp_path.glob(".items.*"))

    def test_that_another_export_writes_to_is_let_be(self, client, target, tmp_path):
        scratch = tmp_path / ".items.part-abcd_123"
        scratch.mkdir()
        lock = lock_directory(scratch)
        assert lock is not None

        export_items(client, {"manifest": "m"}, target)

        assert scratch.exists()
        os.close(lock)

    def test_leaves_alone_what_a_person_put_beside_it(self, client, target, tmp_path):
        mine = tmp_path / ".items.part-mine"
        mine.mkdir()

        export_items(client, {"manifest": "m"}, target)

        assert mine.exists()

    def test_that_is_empty_is_filled(self, client, target):
        target.mkdir()

        assert len(export_items(client, {"manifest": "m"}, target)) == 3

    def test_that_is_a_file_is_spared(self, client, target):
        target.write_text("mine")

        with pytest.raises(ExportInTheWay):
            export_items(client, {"manifest": "m"}, target)


class TestArchive:
    @pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.zip"])
    def test_holds_what_a_directory_would(self, client, tmp_path, name):
        export_archive(client, {"manifest": "m"}, tmp_path / name)

        if name.endswith("zip"):
            with zipfile.ZipFile(tmp_path / name) as archive:
                found = {one: archive.read(one) for one in archive.namelist()}
        else:
            with tarfile.open(tmp_path / name) as archive:
                found = {one: archive.extractfile(one).read() for one in archive.getnames()}
        assert found == {"a/1.pgm": b"one", "b/2.pgm": b"xy", "b/3.pgm": b"tree"}
        assert list(tmp_path.iterdir()) == [tmp_path / name]

    def test_a_kill_leaves_none_that_could_be_taken_for_one(self, client, tmp_path):
        target = tmp_path / "x.zip"
        work = lambda: export_archive(client, {"manifest": "m"}, target)  # noqa: E731
        kill_at("export.archived", tmp_path / "points", work)
        assert not target.exists()

        work()

        assert [path.name for path in tmp_path.glob("*x.zip*")] == ["x.zip"]

    def test_of_another_kind_is_refused(self, client, tmp_path):
        with pytest.raises(InvalidRequest, match="archive"):
            export_archive(client, {"manifest": "m"}, tmp_path / "x.rar")

    def test_that_is_there_is_spared(self, client, tmp_path):
        (tmp_path / "x.zip").write_text("mine")

        with pytest.raises(ExportInTheWay):
            export_archive(client, {"manifest": "m"}, tmp_path / "x.zip")


class TestPlaced:
    def test_the_folder_of_an_image_names_its_class(self):
        assert placed("images/00007.pgm", "7") == "7/00007.pgm"
        assert placed("train/cats/1.jpg", "cats") == "train/cats/1.jpg"
