"""Nodes that have gone for good, and those that have not."""

import pytest

from pileus.jobs.errors import NodeInUse, NodeNotFound
from pileus.jobs.node_removal import NodeRemoval
from pileus.jobs.store import node_usage, nodes
from pileus.security.audit import AuditLog
from pileus.security.store import tombstones
from tests.unit.jobs.building import CALLER, SETTINGS, Worker

SILENT = SETTINGS.lease_seconds + 1


@pytest.fixture
def removal(room):
    return NodeRemoval(room.database, room.ids.new, AuditLog(room.ids.new), SETTINGS.lease_seconds)


async def names(room):
    return [node.name for node in await room.database.read(nodes.find)]


async def test_a_silent_node_goes_and_leaves_a_tombstone(room, worker, removal):
    room.clock.advance(SILENT)

    gone = await removal.remove(CALLER, worker.name)

    assert await names(room) == []
    assert await room.database.read(node_usage.find) == []
    assert await room.database.read(tombstones.find) == [gone]
    assert (gone.noun, gone.subject, gone.name) == ("node", worker.id, worker.name)
    assert gone.collected_at is not None
    waiting = await room.jobs.waiting(await room.submit())
    assert waiting.reason == "No node is registered"


async def test_its_worker_comes_back_as_a_new_node(room, worker, removal):
    room.clock.advance(SILENT)
    await removal.remove(CALLER, worker.name)

    again = await Worker(room, worker.name).register()

    assert again.id != worker.id
    job = await room.submit()
    assert await room.engine.schedule() == 1
    assert (await room.job(job)).status == "running"


async def test_one_that_answers_stays(room, worker, removal):
    with pytest.raises(NodeInUse, match="answers") as caught:
        await removal.remove(CALLER, worker.name)

    assert "Stop its worker" in caught.value.hint
    assert await names(room) == [worker.name]


async def test_one_on_which_an_attempt_may_run_stays(room, worker, removal):
    await room.submit()
    await room.engine.schedule()
    await worker.start()
    room.clock.advance(SILENT)

    with pytest.raises(NodeInUse, match=r"may still run on node 'n1': 1$"):
        await removal.remove(CALLER, worker.name)

    assert await names(room) == [worker.name]


async def test_one_that_is_not_there_is_named(removal):
    with pytest.raises(NodeNotFound, match="'gone' not found"):
        await removal.remove(CALLER, "gone")
