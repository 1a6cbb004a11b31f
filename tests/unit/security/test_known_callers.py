"""Whose token it is, without reading the database for each request."""

from __future__ import annotations

import pytest

from pileus.core.fake_clock import FakeClock
from pileus.core.schemas.tenancy import Role
from pileus.security.errors import TokenUnknown
from pileus.security.known_callers import KEPT_SECONDS
from pileus.server.tables import TABLES
from pileus.storage.databases.memory import MemoryDatabase


class Counting(MemoryDatabase):
    """Counts what is read, and may be deaf to what others write."""

    reads = 0
    is_deaf = False

    async def read(self, work):
        self.reads += 1
        return await super().read(work)

    def recent(self, after):
        return [] if self.is_deaf else super().recent(after)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def database(clock):
    found = Counting(TABLES, clock)
    await found.start()
    yield found
    await found.close()


@pytest.fixture
async def issued(access, owner):
    await access.add_principal(owner, "eve", Role.DEVELOPER, "user", None)
    return await access.issue_token(owner, "eve", "t", None)


class TestKnownCallers:
    async def test_who_asks_again_is_not_read_again(self, access, database, issued):
        first = await access.authenticate(issued.secret)
        before = database.reads

        assert await access.authenticate(issued.secret) == first
        assert database.reads == before

    async def test_a_revoked_token_is_unknown_at_once(self, access, owner, issued):
        await access.authenticate(issued.secret)

        await access.revoke_token(owner, issued.token.id)

        with pytest.raises(TokenUnknown):
            await access.authenticate(issued.secret)

    async def test_another_role_holds_at_once(self, access, owner, issued):
        await access.authenticate(issued.secret)

        await access.change_principal(owner, "eve", role=Role.VIEWER, disabled=None)

        assert (await access.authenticate(issued.secret)).role is Role.VIEWER

    async def test_a_change_whose_word_was_lost_holds_before_long(
        self, access, database, owner, issued, clock
    ):
        await access.authenticate(issued.secret)
        database.is_deaf = True
        await access.revoke_token(owner, issued.token.id)

        clock.advance(KEPT_SECONDS)

        with pytest.raises(TokenUnknown):
            await access.authenticate(issued.secret)

    async def test_a_token_is_remembered_no_longer_than_it_holds(self, access, owner, clock):
        short = await access.issue_token(owner, "owner", "short", 1 / 86_400)
        await access.authenticate(short.secret)

        clock.advance(1)

        with pytest.raises(TokenUnknown):
            await access.authenticate(short.secret)

    async def test_what_was_read_before_a_change_is_not_remembered_after_it(
        self, access, database, owner, issued
    ):
        read = database.read

        async def overtaken(work):
            found = await read(work)
            database.read = read
            await access.revoke_token(owner, issued.token.id)
            with pytest.raises(TokenUnknown):
                await access.authenticate(issued.secret)
            return found

        database.read = overtaken
        await access.authenticate(issued.secret)  # as it was when it was read

        with pytest.raises(TokenUnknown):
            await access.authenticate(issued.secret)
