"""Keys of projects: made, rotated, rewrapped, shredded."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pileus.core.clock import SystemClock
from pileus.core.ids import Ids
from pileus.core.schemas.tenancy import Caller, Role
from pileus.security.audit import AuditLog
from pileus.security.errors import (
    EncryptionOff,
    MasterKeyLost,
    MasterKeyUnavailable,
    MasterKeyWrong,
    NotConfirmed,
)
from pileus.security.keyring import keys_of, open_keyring
from pileus.security.keys import KeyService
from pileus.security.master_key import FileMasterKey
from pileus.security.rewriting import Rewriting
from pileus.security.shredding import Shredder
from pileus.security.store import project_keys
from pileus.storage.blob import read_all
from pileus.storage.blobs.disk import DiskBlobStore
from pileus.storage.blobs.encrypted import EncryptedBlobStore
from pileus.storage.blobs.files import BlobFiles
from pileus.storage.blobs.rewriting import PLAIN, BlobRewriter
from pileus.storage.errors import ProjectShredded
from pileus.storage.traces import NoTraces

PROJECT, OTHER = "prj_1", "prj_2"


def caller(project=PROJECT, name="research"):
    return Caller(
        project=project,
        project_name=name,
        principal="prn_1",
        principal_name="ada",
        role=Role.ADMIN,
        token="tok_1",
    )


async def started(database, tmp_path, encrypts=True):
    """A server's part of the installation, as `server/wiring.py` builds it."""
    new_id, source = Ids(SystemClock()).new, FileMasterKey(tmp_path / "keys" / "master.key")
    keyring = await open_keyring(database, new_id, source, makes=encrypts)
    files = BlobFiles(tmp_path / "blobs")
    blobs = EncryptedBlobStore(files, keyring, encrypts=encrypts)
    await blobs.start()
    rewriting = Rewriting(database, keyring, BlobRewriter(files))
    shredder = Shredder(database, new_id, keyring, BlobRewriter(files), NoTraces())
    audit = AuditLog(new_id)
    keys = KeyService(
        database, new_id, keyring, source, audit, rewriting, shredder, encrypts=encrypts
    )
    return SimpleNamespace(
        keys=keys,
        blobs=blobs,
        rewriting=rewriting,
        shredder=shredder,
        keyring=keyring,
        audit=audit,
        source=source,
    )


async def actions(database, here):
    events = await database.read(lambda snapshot: here.audit.events(snapshot, PROJECT))
    return [(event.action, event.noun) for event in reversed(events)]


class TestKeyring:
    async def test_a_project_gets_its_keys_with_its_first_blob(self, here):
        assert await here.keyring.find(PROJECT) is None

        await here.blobs.put_bytes(PROJECT, b"data")

        held = await here.keys.held(PROJECT)
        assert sorted(row.purpose for row in held.keys) == ["data", "naming"]
        assert held.census == {held.current: 1}

    async def test_projects_have_keys_of_their_own(self, here):
        one, two = await here.keyring.ensure(PROJECT), await here.keyring.ensure(OTHER)

        assert one.naming != two.naming
        assert set(one.data.values()).isdisjoint(two.data.values())

    async def test_no_key_is_stored_as_it_is(self, here, database):
        keys = await here.keyring.ensure(PROJECT)

        rows = await database.read(lambda snapshot: keys_of(snapshot, PROJECT))
        assert all(keys.naming.hex() not in str(row.wrapped) for row in rows)
        assert all("wrapped" not in repr(row) for row in rows)

    async def test_a_row_of_one_project_does_not_open_for_another(self, here, database):
        await here.keyring.ensure(PROJECT)
        (row, *_) = await database.read(lambda snapshot: keys_of(snapshot, PROJECT))

        with pytest.raises(MasterKeyWrong, match="altered"):
            here.keyring.unwrap(row.model_copy(update={"project": OTHER, "rev": 7}))


class TestRotate:
    async def test_new_blobs_get_a_new_key_and_old_ones_are_read(self, here, database):
        old = await here.blobs.put_bytes(PROJECT, b"old")
        before = (await here.keys.held(PROJECT)).current

        row = await here.keys.rotate(caller(), None, rewrite=False)
        await here.blobs.put_bytes(PROJECT, b"new")

        held = await here.keys.held(PROJECT)
        assert held.current == row.id
        assert held.census == {before: 1, row.id: 1}
        assert await read_all(here.blobs, PROJECT, old) == b"old"
        assert await actions(database, here) == [("rotate", "project_key")]

    async def test_rewriting_retires_the_old_key(self, here):
        old = await here.blobs.put_bytes(PROJECT, b"old")

        row = await here.keys.rotate(caller(), None, rewrite=True)
        await here.rewriting.work()

        held = await here.keys.held(PROJECT)
        assert held.census == {row.id: 1}
        assert held.rewrite.finished_at is not None
        assert [bool(one.retired_at) for one in held.keys if one.purpose == "data"] == [True, False]
        assert await read_all(here.blobs, PROJECT, old) == b"old"

    async def test_a_rewriting_that_a_kill_stopped_goes_on_at_the_next_start(
        self, here, database, tmp_path
    ):
        await here.blobs.put_bytes(PROJECT, b"old")
        row = await here.keys.rotate(caller(), None, rewrite=True)

        again = await started(database, tmp_path)
        await again.rewriting.work()

        assert (await again.keys.held(PROJECT)).census == {row.id: 1}

    async def test_blobs_from_before_encryption_are_taken_over(self, here, tmp_path):
        digest = await DiskBlobStore(tmp_path / "blobs").put_bytes(PROJECT, b"plain")
        assert (await here.keys.held(PROJECT)).census == {PLAIN: 1}

        await here.keys.rewrite(caller())
        await here.rewriting.work()

        held = await here.keys.held(PROJECT)
        assert held.census == {held.current: 1}
        assert await read_all(here.blobs, PROJECT, digest) == b"plain"

    async def test_is_refused_where_encryption_is_off(self, database, tmp_path):
        off = await started(database, tmp_path, encrypts=False)

        with pytest.raises(EncryptionOff):
            await off.keys.rotate(caller(), None, rewrite=False)
        with pytest.raises(EncryptionOff):
            await off.keys.rewrite(caller())


class TestRotateMaster:
    async def test_every_key_is_wrapped_anew_and_opens_as_before(self, here, database, tmp_path):
        digests = [await here.blobs.put_bytes(one, b"data") for one in (PROJECT, OTHER)]
        before = await here.keyring.ensure(PROJECT)

        rotated = await here.keys.rotate_master(caller())

        assert rotated.keys == 4
        assert await here.keyring.ensure(PROJECT) == before
        again = await started(database, tmp_path)
        assert again.keys.master == rotated.after != rotated.before
        assert await read_all(again.blobs, OTHER, digests[1]) == b"data"
        assert await actions(database, here) == [("rotate", "master_key")]

    async def test_a_kill_before_the_file_is_in_place_costs_nothing(self, here, database, tmp_path):
        digest = await here.blobs.put_bytes(PROJECT, b"data")
        here.source.adopt = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)

        with pytest.raises(KeyboardInterrupt):
            await here.keys.rotate_master(caller())

        again = await started(database, tmp_path)
        assert await read_all(again.blobs, PROJECT, digest) == b"data"

    async def test_a_server_that_has_the_old_one_wraps_nothing_more_with_it(
        self, here, database, tmp_path
    ):
        other_server = await started(database, tmp_path)
        await here.keyring.ensure(PROJECT)
        await here.keys.rotate_master(caller())

        with pytest.raises(MasterKeyUnavailable, match="another master key"):
            await other_server.blobs.put_bytes(OTHER, b"data")
        with pytest.raises(MasterKeyWrong, match=here.keys.master):
            await other_server.blobs.put_bytes(PROJECT, b"data")

    async def test_without_the_key_the_server_does_not_start(self, here, database, tmp_path):
        await here.keyring.ensure(PROJECT)
        (tmp_path / "keys" / "master.key").unlink()

        with pytest.raises(MasterKeyLost, match=here.keys.master):
            await started(database, tmp_path)
        assert not (tmp_path / "keys" / "master.key").exists()


class TestShred:
    async def test_destroys_keys_and_blobs_and_nothing_comes_back(self, here, database, tmp_path):
        await DiskBlobStore(tmp_path / "blobs").put_bytes(PROJECT, b"plain")
        digest = await here.blobs.put_bytes(PROJECT, b"data")
        kept = await here.blobs.put_bytes(OTHER, b"data")
        told = []

        gone = await here.keys.shred(caller(), "research", lambda _, project: told.append(project))

        assert (gone.keys, gone.blobs, told) == (2, 2, [PROJECT])
        with pytest.raises(ProjectShredded, match="were shredded at"):
            await read_all(here.blobs, PROJECT, digest)
        with pytest.raises(ProjectShredded):
            await here.keys.rotate(caller(), None, rewrite=False)
        assert await read_all(here.blobs, OTHER, kept) == b"data"
        rows = await database.read(project_keys.find)
        assert all(row.wrapped is None for row in rows if row.project == PROJECT)
        assert await actions(database, here) == [("shred", "project")]

    async def test_needs_the_name_of_the_project(self, here):
        digest = await here.blobs.put_bytes(PROJECT, b"data")

        with pytest.raises(NotConfirmed, match="'reserach' is not the name"):
            await here.keys.shred(caller(), "reserach", lambda *_: None)
        assert await read_all(here.blobs, PROJECT, digest) == b"data"

    async def test_holds_where_nothing_was_encrypted_yet(self, here):
        await here.keys.shred(caller(), "research", lambda *_: None)

        with pytest.raises(ProjectShredded):
            await here.blobs.put_bytes(PROJECT, b"data")

    async def test_twice_is_once(self, here, database):
        await here.blobs.put_bytes(PROJECT, b"data")

        for keys in (2, 0):
            gone = await here.keys.shred(caller(), "research", lambda *_: None)
            assert gone.keys == keys
        assert len(await actions(database, here)) == 1

    async def test_that_a_kill_stopped_is_finished_at_the_next_start(
        self, here, database, tmp_path
    ):
        await here.blobs.put_bytes(PROJECT, b"data")
        here.shredder.clean = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            await here.keys.shred(caller(), "research", lambda *_: None)

        again = await started(database, tmp_path)
        await again.shredder.finish()

        assert not list((tmp_path / "blobs").rglob("*.enc"))
