"""The chain breaks where something was removed or altered."""

from __future__ import annotations

from functools import partial

from pileus.core.fake_clock import FakeClock
from pileus.core.ids import Ids
from pileus.core.schemas.tenancy import AuditEvent, Caller, Role
from pileus.security.audit import AuditLog, broken_at
from pileus.security.tables import TABLES
from pileus.storage.databases.memory import MemoryDatabase
from pileus.storage.transaction import Transaction

CALLER = Caller(
    project="prj_1",
    project_name="p",
    principal="prn_1",
    principal_name="alice",
    role=Role.ADMIN,
    token="tok_1",
)


def append(log: AuditLog, number: int, transaction: Transaction) -> None:
    log.append(transaction, CALLER, "create", "job", f"job_{number}", size=number)


async def chain(count: int) -> list[AuditEvent]:
    clock = FakeClock()
    log = AuditLog(Ids(clock).new)
    database = MemoryDatabase(TABLES, clock)
    await database.start()
    for number in range(count):
        await database.write(partial(append, log, number))
    events = await database.read(lambda snapshot: log.events(snapshot, "prj_1"))
    await database.close()
    return events[::-1]


class TestChain:
    async def test_what_was_written_holds_together(self) -> None:
        assert broken_at(await chain(4)) is None

    async def test_an_altered_event_is_found(self) -> None:
        events = await chain(4)
        events[1] = events[1].model_copy(update={"subject": "job_9"})

        assert broken_at(events) == 2

    async def test_a_removed_event_is_found(self) -> None:
        events = await chain(4)
        del events[2]

        assert broken_at(events) == 4
