"""What rests on the disk, what is read from before, and what a shredded project answers."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime

import pytest

from pileus.storage.blob import read_all
from pileus.storage.blobs.disk import DiskBlobStore
from pileus.storage.blobs.encrypted import EncryptedBlobStore
from pileus.storage.blobs.files import BlobFiles
from pileus.storage.errors import BlobDamaged, ProjectShredded
from tests.unit.storage.blobs.building import FakeKeyring

PROJECT, OTHER = "prj_1", "prj_2"
DATA = b"a very particular sentence " * 10_000
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def keyring():
    return FakeKeyring()


@pytest.fixture
async def blobs(tmp_path, keyring):
    found = EncryptedBlobStore(BlobFiles(tmp_path), keyring)
    await found.start()
    return found


def files(root):
    return sorted(path for path in root.rglob("*") if path.is_file())


class TestAtRest:
    async def test_neither_name_nor_bytes_tell_which_blob_it_is(self, blobs, tmp_path):
        await blobs.put_bytes(PROJECT, DATA)

        (path,) = files(tmp_path)
        assert DIGEST not in str(path)
        assert b"particular" not in path.read_bytes()

    async def test_two_projects_do_not_show_that_they_hold_the_same(self, blobs, tmp_path):
        for project in (PROJECT, OTHER):
            await blobs.put_bytes(project, DATA)

        one, two = files(tmp_path)
        assert one.name != two.name
        assert one.read_bytes() != two.read_bytes()

    async def test_one_project_keeps_the_same_bytes_once(self, blobs, tmp_path):
        for _ in range(2):
            await blobs.put_bytes(PROJECT, DATA)

        assert len(files(tmp_path)) == 1

    async def test_a_file_under_the_name_of_another_is_refused(self, blobs, tmp_path):
        await blobs.put_bytes(PROJECT, DATA)
        (first,) = files(tmp_path)
        other = await blobs.put_bytes(PROJECT, b"other")
        (second,) = [path for path in files(tmp_path) if path != first]
        second.write_bytes(first.read_bytes())

        with pytest.raises(BlobDamaged, match="segment 0"):
            await read_all(blobs, PROJECT, other)


class TestFromBefore:
    async def test_plain_blobs_are_read_and_deleted(self, blobs, tmp_path):
        await DiskBlobStore(tmp_path).put_bytes(PROJECT, DATA)

        assert await blobs.size(PROJECT, DIGEST) == len(DATA)
        assert await read_all(blobs, PROJECT, DIGEST) == DATA
        await blobs.delete(PROJECT, DIGEST)
        assert not files(tmp_path)

    async def test_old_keys_are_still_read_with(self, blobs, keyring):
        await blobs.put_bytes(PROJECT, DATA)
        keyring.rotate(PROJECT)

        assert await read_all(blobs, PROJECT, DIGEST) == DATA

    async def test_encrypted_ones_are_read_where_encryption_was_turned_off(
        self, blobs, keyring, tmp_path
    ):
        await blobs.put_bytes(PROJECT, DATA)
        off = EncryptedBlobStore(BlobFiles(tmp_path), keyring, encrypts=False)

        plain = await off.put_bytes(PROJECT, b"plain")

        assert await read_all(off, PROJECT, DIGEST) == DATA
        assert await read_all(off, PROJECT, plain) == b"plain"
        assert any(path.read_bytes() == b"plain" for path in files(tmp_path))


class TestSweep:
    async def test_keeps_what_is_named_and_what_is_new(self, blobs, tmp_path):
        await DiskBlobStore(tmp_path).put_bytes(PROJECT, b"plain, named by nobody")
        plain = await DiskBlobStore(tmp_path).put_bytes(PROJECT, b"plain")
        kept = await blobs.put_bytes(PROJECT, DATA)
        gone = await blobs.put_bytes(PROJECT, b"named by nobody")
        new = await blobs.put_bytes(PROJECT, b"new")
        other = await blobs.put_bytes(OTHER, b"of another project")
        for path in files(tmp_path):
            os.utime(path, (1000, 1000))
        await blobs.put_bytes(PROJECT, b"new")

        assert await blobs.sweep(PROJECT, {kept, plain}, datetime(2020, 1, 1, tzinfo=UTC)) == 2

        assert await blobs.size(PROJECT, gone) is None
        assert [await blobs.size(PROJECT, one) for one in (kept, plain, new)] == [len(DATA), 5, 3]
        assert await blobs.size(OTHER, other) == 18

    async def test_leaves_what_nobody_can_name_without_keys(self, blobs, keyring):
        digest = await blobs.put_bytes(PROJECT, DATA)
        keys = keyring.keys.pop(PROJECT)

        assert await blobs.sweep(PROJECT, {digest}, datetime(2999, 1, 1, tzinfo=UTC)) == 0

        keyring.keys[PROJECT] = keys
        assert await read_all(blobs, PROJECT, digest) == DATA


class TestShredded:
    async def test_answers_with_that_and_takes_nothing_in(self, blobs, keyring):
        await blobs.put_bytes(PROJECT, DATA)
        keyring.shredded.add(PROJECT)

        for asked in (
            read_all(blobs, PROJECT, DIGEST),
            blobs.size(PROJECT, DIGEST),
            blobs.put_bytes(PROJECT, b"new"),
        ):
            with pytest.raises(ProjectShredded):
                await asked

    async def test_nothing_is_left_to_delete(self, blobs, keyring):
        keyring.shredded.add(PROJECT)

        await blobs.delete(PROJECT, DIGEST)
