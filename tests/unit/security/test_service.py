"""Projects, principals and tokens."""

from __future__ import annotations

import pytest

from pileus.core.errors import InvalidRequest
from pileus.core.fake_clock import FakeClock
from pileus.core.schemas.tenancy import Role
from pileus.security.audit import AuditLog, broken_at
from pileus.security.errors import LastAdmin, NameTaken, RoleTooLow, TokenNotFound, TokenUnknown
from pileus.server.tables import TABLES
from pileus.storage.databases.memory import MemoryDatabase
from pileus.storage.idempotency import Once


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def database(clock):
    found = MemoryDatabase(TABLES, clock)
    await found.start()
    yield found
    await found.close()


async def member(access, owner, name, role):
    await access.add_principal(owner, name, role, "user", None)
    issued = await access.issue_token(owner, name, "t", None)
    return await access.authenticate(issued.secret)


class TestBootstrap:
    async def test_there_is_one_first_token(self, access):
        first = await access.bootstrap()

        assert await access.bootstrap() is None
        assert (await access.authenticate(first)).is_operator


class TestAuthenticate:
    async def test_a_token_ends_at_its_time(self, access, owner, clock):
        issued = await access.issue_token(owner, "owner", "t", 1)
        await access.authenticate(issued.secret)

        clock.advance(86_400)

        with pytest.raises(TokenUnknown):
            await access.authenticate(issued.secret)

    async def test_a_disabled_principal_is_nobody(self, access, owner):
        await access.add_principal(owner, "eve", Role.DEVELOPER, "user", None)
        issued = await access.issue_token(owner, "eve", "t", None)

        await access.change_principal(owner, "eve", role=None, disabled=True)

        with pytest.raises(TokenUnknown):
            await access.authenticate(issued.secret)

    async def test_a_revoked_token_is_unknown(self, access, owner):
        issued = await access.issue_token(owner, "owner", "t", None)

        await access.revoke_token(owner, issued.token.id)

        with pytest.raises(TokenUnknown):
            await access.authenticate(issued.secret)


class TestOperators:
    async def test_an_admin_gets_no_token_of_an_operator(self, access, owner):
        admin = await member(access, owner, "ada", Role.ADMIN)

        with pytest.raises(RoleTooLow, match="'owner' is an operator"):
            await access.issue_token(admin, "owner", "mine", None)

    async def test_an_admin_does_not_disable_an_operator(self, access, owner):
        admin = await member(access, owner, "ada", Role.ADMIN)

        with pytest.raises(RoleTooLow):
            await access.change_principal(admin, "owner", role=None, disabled=True)


class TestLastAdmin:
    @pytest.mark.parametrize("change", [{"role": Role.VIEWER}, {"disabled": True}])
    async def test_a_project_keeps_one(self, access, owner, change):
        with pytest.raises(LastAdmin):
            await access.change_principal(
                owner, "owner", **{"role": None, "disabled": None} | change
            )

        assert (await access.principals(owner.project))[0].role is Role.ADMIN


class TestProjects:
    async def test_a_repeated_request_makes_one_and_shows_its_token_once(self, access, owner):
        once = Once("k", "digest")

        first = await access.create_project(owner, "other", once)
        second = await access.create_project(owner, "other", once)

        assert first.project == second.project
        assert (first.secret is None, second.secret is None) == (False, True)

    async def test_names_that_look_the_same_are_the_same(self, access, owner):
        await access.create_project(owner, "caf\u00e9", None)

        with pytest.raises(NameTaken):
            await access.create_project(owner, "cafe\u0301", None)

    async def test_a_token_of_another_project_is_not_found(self, access, owner):
        founded = await access.create_project(owner, "other", None)
        stranger = await access.authenticate(founded.secret)

        with pytest.raises(TokenNotFound):
            await access.revoke_token(stranger, owner.token)


class TestTokens:
    @pytest.mark.parametrize("days", [0, -1, float("nan"), float("inf"), 4000])
    async def test_an_age_out_of_range_is_refused(self, access, owner, days):
        with pytest.raises(InvalidRequest, match="expires_days"):
            await access.issue_token(owner, "owner", "t", days)


class TestAudit:
    async def test_every_change_is_in_an_unbroken_chain(self, access, owner, database):
        await member(access, owner, "ada", Role.ADMIN)
        await access.change_principal(owner, "ada", role=Role.VIEWER, disabled=None)

        events = await database.read(lambda snapshot: AuditLog(str).events(snapshot, owner.project))

        assert [event.action for event in events] == ["change", "create", "create"]
        assert broken_at(events[::-1]) is None
