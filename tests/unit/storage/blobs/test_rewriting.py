"""Blobs move to the current key one by one; what stops it costs only time."""

from __future__ import annotations

import os
from functools import partial

import pytest

from pileus.storage.blob import read_all
from pileus.storage.blobs.disk import DiskBlobStore
from pileus.storage.blobs.encrypted import EncryptedBlobStore
from pileus.storage.blobs.files import BlobFiles, Found
from pileus.storage.blobs.rewriting import PLAIN, BlobRewriter, Progress
from pileus.storage.errors import BlobDamaged, BlobsHeld
from pileus.storage.holds import Hold, is_held
from tests.unit.storage.blobs.building import FakeKeyring, key_id

PROJECT = "prj_1"
TEXTS = [f"text {number}".encode() * 20_000 for number in range(3)]


@pytest.fixture
def keyring():
    return FakeKeyring()


@pytest.fixture
async def blobs(tmp_path, keyring):
    found = EncryptedBlobStore(BlobFiles(tmp_path), keyring)
    await found.start()
    return found


@pytest.fixture
def rewriter(blobs, tmp_path):
    return BlobRewriter(BlobFiles(tmp_path))


async def rewrite(rewriter, keys):
    progress = Progress()
    failed: list[Found] = []
    await rewriter.rewrite(PROJECT, keys, progress, failed.append)
    return progress, failed


def enc_files(root):
    return sorted(root.rglob("*.enc"))


class TestRewrite:
    async def test_takes_plain_blobs_and_those_of_old_keys(
        self, blobs, rewriter, keyring, tmp_path
    ):
        digests = [
            await DiskBlobStore(tmp_path).put_bytes(PROJECT, TEXTS[0]),
            await blobs.put_bytes(PROJECT, TEXTS[1]),
        ]
        keys = keyring.rotate(PROJECT)
        digests.append(await blobs.put_bytes(PROJECT, TEXTS[2]))
        assert await rewriter.census(PROJECT) == {PLAIN: 1, key_id(1): 1, key_id(2): 1}

        progress, failed = await rewrite(rewriter, keys)

        assert (progress, failed) == (Progress(total=2, done=2), [])
        assert await rewriter.census(PROJECT) == {key_id(2): 3}
        assert [await read_all(blobs, PROJECT, one) for one in digests] == TEXTS

    async def test_goes_on_where_it_was_stopped(self, blobs, rewriter, keyring, tmp_path):
        plain = DiskBlobStore(tmp_path)
        for text in TEXTS:
            await plain.put_bytes(PROJECT, text)
        keys = await keyring.ensure(PROJECT)

        class Killed(BaseException):
            pass

        class Dying(Progress):
            def __setattr__(self, name, value):
                super().__setattr__(name, value)
                if name == "done" and value == 1:
                    raise Killed

        with pytest.raises(Killed):
            await rewriter.rewrite(PROJECT, keys, Dying(), lambda _: None)
        assert await rewriter.census(PROJECT) == {PLAIN: 2, key_id(1): 1}
        progress, _ = await rewrite(rewriter, keys)

        assert progress == Progress(total=2, done=2)
        assert await rewriter.census(PROJECT) == {key_id(1): 3}

    async def test_after_a_kill_between_the_two_names_the_plain_one_goes(
        self, blobs, rewriter, keyring, tmp_path
    ):
        digest = await blobs.put_bytes(PROJECT, TEXTS[0])
        await DiskBlobStore(tmp_path).put_bytes(PROJECT, TEXTS[0])

        await rewrite(rewriter, await keyring.ensure(PROJECT))

        assert await rewriter.census(PROJECT) == {key_id(1): 1}
        assert await read_all(blobs, PROJECT, digest) == TEXTS[0]

    async def test_a_damaged_blob_is_told_and_stays(self, blobs, rewriter, keyring, tmp_path):
        digest = await blobs.put_bytes(PROJECT, TEXTS[0])
        (path,) = enc_files(tmp_path)
        broken = path.read_bytes()[:-1]
        path.write_bytes(broken)
        await blobs.put_bytes(PROJECT, TEXTS[1])

        progress, failed = await rewrite(rewriter, keyring.rotate(PROJECT))

        assert progress == Progress(total=2, done=1, failed=1)
        assert [found.name for found in failed] == [path.name]
        assert path.read_bytes() == broken
        with pytest.raises(BlobDamaged):
            await read_all(blobs, PROJECT, digest)

    async def test_a_plain_file_that_is_not_what_its_name_says_stays(
        self, blobs, rewriter, keyring, tmp_path
    ):
        digest = await DiskBlobStore(tmp_path).put_bytes(PROJECT, TEXTS[0])
        path = tmp_path / PROJECT / digest[:2] / digest
        path.write_bytes(b"rotten")

        progress, _ = await rewrite(rewriter, await keyring.ensure(PROJECT))

        assert progress.failed == 1
        assert path.read_bytes() == b"rotten"

    async def test_the_age_of_a_blob_stays(self, blobs, rewriter, keyring, tmp_path):
        await blobs.put_bytes(PROJECT, TEXTS[0])
        (path,) = enc_files(tmp_path)
        os.utime(path, (1_000_000, 1_000_000))

        await rewrite(rewriter, keyring.rotate(PROJECT))

        assert path.stat().st_mtime == 1_000_000

    async def test_waits_while_a_backup_copies_blobs(self, blobs, keyring, tmp_path):
        await blobs.put_bytes(PROJECT, TEXTS[0])
        keys = keyring.rotate(PROJECT)
        rewriter = BlobRewriter(BlobFiles(tmp_path), partial(is_held, tmp_path / "holds"))

        with Hold(tmp_path / "holds", "backup"), pytest.raises(BlobsHeld):
            await rewrite(rewriter, keys)
        assert await rewriter.census(PROJECT) == {key_id(1): 1}
        await rewrite(rewriter, keys)
        assert await rewriter.census(PROJECT) == {key_id(2): 1}


class TestErase:
    async def test_removes_every_blob_of_the_project(self, blobs, rewriter, tmp_path):
        await blobs.put_bytes(PROJECT, TEXTS[0])
        await DiskBlobStore(tmp_path).put_bytes(PROJECT, TEXTS[1])
        await blobs.put_bytes("prj_2", TEXTS[2])

        assert await rewriter.erase(PROJECT) == 2
        assert [path.parent.parent.name for path in enc_files(tmp_path)] == ["prj_2"]
