"""Blobs: what was announced is what is there, in one project and under one name."""

from __future__ import annotations

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest

from pileus.core.clock import SystemClock
from pileus.core.ids import Ids
from pileus.security.keyring import ProjectKeyring
from pileus.security.tables import TABLES
from pileus.security.wrapping import MasterKey
from pileus.storage.blob import BlobStore, read_all
from pileus.storage.blobs.disk import DiskBlobStore
from pileus.storage.blobs.encrypted import EncryptedBlobStore
from pileus.storage.blobs.files import BlobFiles
from pileus.storage.blobs.memory import MemoryBlobStore
from pileus.storage.databases.memory import MemoryDatabase
from pileus.storage.errors import BlobMismatch, BlobNotFound

MIB = 1024 * 1024
PROJECT, OTHER = "prj_1", "prj_2"
EARLIER = datetime.now(UTC) - timedelta(hours=1)
LATER = datetime.now(UTC) + timedelta(days=1)
DATA = bytes(range(256)) * 10_000
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["memory", "disk", "encrypted"])
async def blobs(request, tmp_path):
    found: BlobStore
    if request.param == "memory":
        found = MemoryBlobStore()
    elif request.param == "disk":
        found = DiskBlobStore(tmp_path / "blobs")
    else:
        database = MemoryDatabase(TABLES)
        await database.start()
        keyring = ProjectKeyring(database, Ids(SystemClock()).new, MasterKey.fresh())
        found = EncryptedBlobStore(BlobFiles(tmp_path / "blobs"), keyring)
    await found.start()
    return found


async def chunks(data, size=100_000, then=None):
    for start in range(0, len(data), size):
        yield data[start : start + size]
    if then is not None:
        raise then


class TestPut:
    async def test_what_went_in_comes_out(self, blobs):
        assert await blobs.put(PROJECT, DIGEST, chunks(DATA)) == len(DATA)

        assert await read_all(blobs, PROJECT, DIGEST) == DATA
        assert await blobs.size(PROJECT, DIGEST) == len(DATA)

    @pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 3 * MIB])
    @pytest.mark.parametrize("step", [60_001, MIB, MIB + 1, 3 * MIB])
    async def test_the_pieces_in_which_it_comes_do_not_matter(self, blobs, size, step):
        data = (DATA * 2)[:size]
        digest = hashlib.sha256(data).hexdigest()

        assert await blobs.put(PROJECT, digest, chunks(data, step)) == size

        assert await read_all(blobs, PROJECT, digest) == data

    async def test_a_cancelled_upload_leaves_nothing(self, blobs):
        stuck = asyncio.Event()

        async def never_ends():
            async for chunk in chunks(DATA):
                yield chunk
            stuck.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(blobs.put(PROJECT, DIGEST, never_ends()))
        await stuck.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await blobs.size(PROJECT, DIGEST) is None

    async def test_nothing_is_a_blob_too(self, blobs):
        digest = await blobs.put_bytes(PROJECT, b"")

        assert await read_all(blobs, PROJECT, digest) == b""
        assert await blobs.size(PROJECT, digest) == 0

    async def test_twice_is_once(self, blobs):
        for _ in range(2):
            await blobs.put(PROJECT, DIGEST, chunks(DATA))

        assert await read_all(blobs, PROJECT, DIGEST) == DATA

    async def test_other_bytes_than_announced_leave_nothing(self, blobs):
        with pytest.raises(BlobMismatch):
            await blobs.put(PROJECT, DIGEST, chunks(DATA[:-1]))

        assert await blobs.size(PROJECT, DIGEST) is None

    async def test_a_broken_upload_leaves_nothing(self, blobs):
        with pytest.raises(ConnectionError):
            await blobs.put(PROJECT, DIGEST, chunks(DATA, then=ConnectionError()))

        assert await blobs.size(PROJECT, DIGEST) is None

    @pytest.mark.parametrize("start", [0, 1, 65_535, 65_536, 1_500_000, len(DATA) - 1, len(DATA)])
    async def test_reading_starts_anywhere(self, blobs, start):
        await blobs.put(PROJECT, DIGEST, chunks(DATA))

        found = b"".join([part async for part in blobs.get(PROJECT, DIGEST, start)])

        assert found == DATA[start:]

    @pytest.mark.parametrize("digest", ["", "../../etc/passwd", DIGEST.upper(), DIGEST + "\n"])
    async def test_a_name_that_is_no_digest_is_refused(self, blobs, digest):
        with pytest.raises(BlobMismatch):
            await blobs.put(PROJECT, digest, chunks(DATA))
        with pytest.raises(BlobMismatch):
            await read_all(blobs, PROJECT, digest)

    @pytest.mark.parametrize("project", ["", "..", "a/b", "prj_1\n"])
    async def test_a_project_cannot_be_a_path(self, blobs, project):
        with pytest.raises(BlobNotFound):
            await blobs.put(project, DIGEST, chunks(DATA))


class TestPutHashed:
    @pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, 3 * MIB + 1])
    async def test_parts_may_come_in_one_buffer(self, blobs, size):
        data = (DATA * 2)[:size]
        buffer = memoryview(bytearray(100_000))

        def parts():
            for start in range(0, size, len(buffer)):
                part = data[start : start + len(buffer)]
                buffer[: len(part)] = part
                yield buffer[: len(part)]

        digest = hashlib.sha256(data).hexdigest()

        assert await blobs.put_hashed(PROJECT, digest, parts()) == size
        assert await read_all(blobs, PROJECT, digest) == data

    async def test_a_source_that_fails_leaves_nothing(self, blobs):
        def parts():
            yield memoryview(DATA)
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await blobs.put_hashed(PROJECT, DIGEST, parts())

        assert await blobs.size(PROJECT, DIGEST) is None

    async def test_neither_name_can_be_a_path(self, blobs):
        with pytest.raises(BlobMismatch):
            await blobs.put_hashed(PROJECT, "../../etc/passwd", iter(()))
        with pytest.raises(BlobNotFound):
            await blobs.put_hashed("..", DIGEST, iter(()))


class TestProjects:
    async def test_have_blobs_of_their_own(self, blobs):
        await blobs.put(PROJECT, DIGEST, chunks(DATA))

        assert await blobs.size(OTHER, DIGEST) is None
        with pytest.raises(BlobNotFound):
            await read_all(blobs, OTHER, DIGEST)

    async def test_delete_in_one_leaves_the_other(self, blobs):
        for project in (PROJECT, OTHER):
            await blobs.put_bytes(project, DATA)

        await blobs.delete(PROJECT, DIGEST)
        await blobs.delete(PROJECT, DIGEST)

        assert await blobs.size(PROJECT, DIGEST) is None
        assert await blobs.size(OTHER, DIGEST) == len(DATA)


class TestDisk:
    async def test_collects_what_a_killed_writer_left(self, tmp_path):
        await DiskBlobStore(tmp_path).start()
        leftover = tmp_path / "incoming" / "half"
        leftover.write_bytes(DATA[:100])

        await DiskBlobStore(tmp_path).start()

        assert not leftover.exists()

    async def test_a_second_server_that_starts_spares_what_the_first_one_writes(self, tmp_path):
        first = DiskBlobStore(tmp_path)
        await first.start()

        async def chunks():
            yield DATA[:10]
            await DiskBlobStore(tmp_path).start()
            yield DATA[10:]

        assert await first.put(PROJECT, DIGEST, chunks()) == len(DATA)

        assert await read_all(first, PROJECT, DIGEST) == DATA
        assert list((tmp_path / "incoming").iterdir()) == []


class TestSweep:
    async def test_removes_what_is_not_kept_of_one_project(self, blobs):
        kept = await blobs.put_bytes(PROJECT, b"kept")
        gone = [await blobs.put_bytes(PROJECT, bytes([n])) for n in range(3)]
        await blobs.put_bytes(OTHER, b"\0")

        assert await blobs.sweep(PROJECT, {kept}, LATER) == 3

        assert [await blobs.size(PROJECT, digest) for digest in gone] == [None] * 3
        assert await read_all(blobs, PROJECT, kept) == b"kept"
        assert await read_all(blobs, OTHER, gone[0]) == b"\0"

    async def test_spares_what_was_written_since(self, blobs):
        digest = await blobs.put_bytes(PROJECT, b"fresh")

        assert await blobs.sweep(PROJECT, (), EARLIER) == 0
        assert await read_all(blobs, PROJECT, digest) == b"fresh"

    async def test_of_a_project_without_blobs_is_nothing(self, blobs):
        assert await blobs.sweep("prj_nobody", (), LATER) == 0

    async def test_of_no_project_is_refused(self, blobs):
        with pytest.raises(BlobNotFound):
            await blobs.sweep("..", (), LATER)

    async def test_what_is_put_again_counts_as_written_now(self, tmp_path):
        blobs = DiskBlobStore(tmp_path)
        await blobs.start()
        digest = await blobs.put_bytes(PROJECT, b"again")
        (path,) = (tmp_path / PROJECT).glob("??/*")
        os.utime(path, (1, 1))

        await blobs.put_bytes(PROJECT, b"again")

        assert await blobs.sweep(PROJECT, (), EARLIER) == 0
        assert await read_all(blobs, PROJECT, digest) == b"again"
