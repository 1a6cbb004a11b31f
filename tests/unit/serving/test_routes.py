"""The document that gateways serve from."""

from __future__ import annotations

import asyncio

import pytest

from pileus.core.clock import SystemClock
from pileus.core.ids import Ids
from pileus.security.audit import AuditLog
from pileus.security.service import AccessService
from pileus.server.tables import TABLES
from pileus.serving.routes import RouteService
from pileus.storage.databases.memory import MemoryDatabase


@pytest.fixture
async def database():
    found = MemoryDatabase(TABLES)
    await found.start()
    yield found
    await found.close()


@pytest.fixture
async def access(database):
    new_id = Ids(SystemClock()).new
    return AccessService(database, SystemClock(), new_id, b"k" * 32, AuditLog(new_id))


@pytest.fixture
async def owner(access):
    return await access.authenticate(await access.bootstrap())


@pytest.fixture
def routes(database, owner):
    return RouteService(database, SystemClock(), b"k" * 32)


class TestRoutes:
    async def test_a_new_token_arrives_at_once(self, routes, access, owner):
        first = await routes.routes(0, 0)
        asked = asyncio.create_task(routes.routes(first.seq, 20))
        await asyncio.sleep(0.02)

        issued = await access.issue_token(owner, "owner", "t", None)
        second = await asyncio.wait_for(asked, 5)

        assert issued.token.id in {token.id for token in second.tokens}

    async def test_other_changes_are_no_news(self, routes, database, access, owner):
        from pileus.jobs.store import bump_epoch  # a change that is nobody's business here

        first = await routes.routes(0, 0)

        for _ in range(3):
            await database.write(bump_epoch)

        assert await routes.routes(first.seq, 0) is None
        assert await routes.routes(first.seq, 0.01) is None

    async def test_a_document_newer_than_what_this_server_was_told_is_no_other_databases(
        self, routes, database, monkeypatch
    ):
        from pileus.jobs.store import bump_epoch  # a change that is nobody's business here

        first = await routes.routes(0, 0)
        monkeypatch.setattr(database, "recent", lambda after: [])  # another server has written
        await database.write(bump_epoch)

        assert await routes.routes(first.seq + 1, 0) is None

    async def test_a_document_of_another_database_is_replaced(self, routes):
        first = await routes.routes(0, 0)

        assert (await routes.routes(first.seq + 1000, 0)).seq == first.seq

    async def test_a_disabled_principals_tokens_are_gone(self, routes, access, owner):
        from pileus.core.schemas.tenancy import Role  # used once

        await access.add_principal(owner, "eve", Role.DEVELOPER, "user", None)
        await access.issue_token(owner, "eve", "t", None)
        before = await routes.routes(0, 0)

        await access.change_principal(owner, "eve", role=None, disabled=True)
        after = await routes.routes(before.seq, 0)

        assert len(before.tokens) - len(after.tokens) == 1

    async def test_a_change_that_was_trimmed_from_the_feed_unread_is_news(
        self, routes, database, access, owner
    ):
        from pileus.jobs.store import bump_epoch  # a change that is nobody's business here

        first = await routes.routes(0, 0)
        issued = await access.issue_token(owner, "owner", "t", None)
        for _ in range(3):
            await database.write(bump_epoch)
        await database.write(lambda transaction: transaction.trim_changes(1))

        second = await routes.routes(first.seq, 0)

        assert issued.token.id in {token.id for token in second.tokens}
