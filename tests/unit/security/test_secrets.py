"""Secrets at rest: sealed, rotated, shredded."""

from __future__ import annotations

import base64

import pytest

from pileus.core.clock import SystemClock
from pileus.core.ids import Ids
from pileus.core.schemas.secrets import MAX_BYTES, InvalidSecretName
from pileus.security.errors import EncryptionOff, SecretNotFound, SecretRefused
from pileus.security.keyring import keys_of
from pileus.security.secrets import SecretService, editions, opened
from pileus.security.store import project_keys, secrets, tombstones
from pileus.storage.errors import BlobDamaged, ProjectShredded
from tests.unit.security.test_keys import OTHER, PROJECT, actions, caller

VALUE = b"hunter2-correct-horse"


@pytest.fixture
def service(database, here):
    return SecretService(database, Ids(SystemClock()).new, here.keyring, here.audit, encrypts=True)


async def rows(database):
    return await database.read(secrets.find)


async def given(service, *names, project=PROJECT):
    found = await service.give(caller(project), names)
    return [base64.b64decode(one.base64) for one in found]


class TestSet:
    async def test_a_value_comes_back_to_attempts_and_is_nowhere_in_its_row(
        self, service, database
    ):
        made = await service.set(caller(), "PW", VALUE)

        assert (made.name, made.version, made.set_by) == ("PW", 1, "prn_1")
        assert await given(service, "PW") == [VALUE]
        [row] = await rows(database)
        assert VALUE.decode() not in row.sealed
        assert VALUE not in base64.b64decode(row.sealed)
        assert row.sealed not in repr(row)

    async def test_setting_again_makes_a_version(self, service):
        first = await service.set(caller(), "PW", VALUE)
        second = await service.set(caller(), "PW", b"\x00other\xff")

        assert (second.id, second.version, second.created_at) == (first.id, 2, first.created_at)
        assert second.updated_at >= first.updated_at
        assert await given(service, "PW") == [b"\x00other\xff"]

    async def test_names_are_a_projects_own(self, service):
        await service.set(caller(), "PW", VALUE)
        await service.set(caller(OTHER), "PW", b"another")

        assert await given(service, "PW", project=OTHER) == [b"another"]
        assert [one.name for one in await service.secrets(PROJECT)] == ["PW"]

    @pytest.mark.parametrize(
        "value, words",
        [
            (b"x" * (MAX_BYTES + 1), f"has 65537 bytes, more than {MAX_BYTES}"),
            (b"", "has 0 bytes, which cannot be masked"),
            (b" abc \n", "has 3 bytes, which cannot be masked"),
        ],
    )
    async def test_what_is_too_large_or_too_small_to_mask_is_refused(self, service, value, words):
        with pytest.raises(SecretRefused, match=words):
            await service.set(caller(), "PW", value)

    async def test_the_largest_is_kept_whole(self, service):
        value = bytes(range(256)) * (MAX_BYTES // 256)
        await service.set(caller(), "PW", value)

        assert await given(service, "PW") == [value]

    async def test_a_name_is_checked(self, service):
        with pytest.raises(InvalidSecretName):
            await service.set(caller(), "not-a-variable", VALUE)

    async def test_without_encryption_it_is_refused_with_the_next_step(self, database, here):
        service = SecretService(
            database, Ids(SystemClock()).new, here.keyring, here.audit, encrypts=False
        )

        with pytest.raises(EncryptionOff, match="encrypt_blobs") as refused:
            await service.set(caller(), "PW", VALUE)

        assert "pileus.toml" in str(refused.value.hint)
        assert await rows(database) == []


class TestRemove:
    async def test_it_is_gone_at_once(self, service, database):
        await service.set(caller(), "PW", VALUE)

        await service.remove(caller(), "PW")
        (gone,) = await database.read(tombstones.find)
        assert (gone.noun, gone.name, gone.collected_at) == ("secret", "PW", gone.created_at)

        assert await rows(database) == []
        for gone in (service.remove(caller(), "PW"), service.give(caller(), ["PW"])):
            with pytest.raises(SecretNotFound, match="'PW' not found"):
                await gone

    async def test_the_trail_tells_who_set_read_and_removed_which_and_no_value(
        self, service, database, here
    ):
        await service.set(caller(), "PW", VALUE)
        await given(service, "PW")
        await service.remove(caller(), "PW")

        assert await actions(database, here) == [
            ("set", "secret"),
            ("read", "secret"),
            ("remove", "secret"),
        ]
        events = await database.read(lambda snapshot: here.audit.events(snapshot, PROJECT))
        assert [event.detail["name"] for event in events] == ["PW"] * 3
        assert VALUE.decode() not in repr(events)


class TestKeys:
    async def test_after_a_rotation_it_is_read_and_the_next_version_has_the_new_key(
        self, service, here, database
    ):
        await service.set(caller(), "PW", VALUE)
        [before] = await rows(database)
        key = await here.keys.rotate(caller(), None, rewrite=False)

        assert await given(service, "PW") == [VALUE]
        assert before.key != key.id
        await service.set(caller(), "PW", VALUE)
        assert [row.key for row in await rows(database)] == [key.id]

    async def test_a_rewrite_takes_it_along_so_that_the_old_key_retires(
        self, service, here, database
    ):
        await service.set(caller(), "PW", VALUE)
        [before] = await rows(database)
        key = await here.keys.rotate(caller(), None, rewrite=True)

        await here.rewriting.work()

        [after] = await rows(database)
        assert (before.version, after.version) == (1, 1)
        assert after.key == key.id
        old = await database.read(lambda snapshot: project_keys.get(snapshot, id=before.key))
        assert old.retired_at is not None
        assert await given(service, "PW") == [VALUE]

    async def test_a_new_master_key_opens_it(self, service, here):
        await service.set(caller(), "PW", VALUE)
        await here.keys.rotate_master(caller())

        assert await given(service, "PW") == [VALUE]

    async def test_after_shredding_neither_it_nor_a_copy_of_its_row_is_read(
        self, service, here, database
    ):
        await service.set(caller(), "PW", VALUE)
        [copy] = await rows(database)
        await here.keys.shred(caller(), "research", lambda _transaction, _project: None)

        assert await rows(database) == []
        await database.write(lambda transaction: secrets.insert(transaction, copy))
        with pytest.raises(ProjectShredded):
            await given(service, "PW")
        with pytest.raises(ProjectShredded):
            await service.set(caller(), "OTHER", VALUE)

    @pytest.mark.parametrize("change", [{"project": OTHER}, {"id": "sec_other"}, {"version": 2}])
    async def test_a_row_is_read_in_its_own_place_only(self, service, here, database, change):
        await service.set(caller(), "PW", VALUE)
        [row] = await rows(database)
        keys = here.keyring.opened(
            PROJECT, await database.read(lambda snapshot: keys_of(snapshot, PROJECT))
        )

        assert opened(row, keys) == VALUE
        with pytest.raises(BlobDamaged):
            opened(row.model_copy(update=change), keys)


class TestEditions:
    async def test_no_two_values_of_a_name_have_one(self, service, database):
        async def edition():
            return (await database.read(lambda s: editions(s, PROJECT, ["PW"])))[0]

        found = [await edition()]
        await service.set(caller(), "PW", VALUE)
        found.append(await edition())
        await service.set(caller(), "PW", b"another")
        found.append(await edition())
        await service.remove(caller(), "PW")
        await service.set(caller(), "PW", VALUE)
        found.append(await edition())

        assert found[0] is None
        assert len(set(found)) == 4
