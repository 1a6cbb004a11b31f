"""What ended jobs teach."""

from __future__ import annotations

from pileus.jobs.learning import Learning
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.ending import likeness_of
from pileus.jobs.policy.prediction import ENOUGH
from tests.unit.jobs.building import PROJECT, ended


async def run_one(room, worker, seconds, code=0):
    job = await room.submit(max_attempts=1)
    await room.engine.schedule()
    report = await worker.start()
    room.clock.advance(seconds)
    await worker.sync(ended(report, code=code, ended_at=room.clock.now().isoformat()))
    return job


async def test_jobs_that_succeeded_are_learnt_once(room, worker):
    for _ in range(ENOUGH):
        job = await run_one(room, worker, 7)
    await run_one(room, worker, 20, code=1)
    learning = Learning()

    for _ in range(2):
        learning.learn(await room.database.read(learning.look))

    found = learning.history.runtime(
        likeness_of(PROJECT, job.code_digest, Shape.of(job.spec.resources))
    )
    assert found.seconds == (7.0,) * ENOUGH


async def test_the_engine_expects_what_it_has_seen(room, worker):
    for _ in range(ENOUGH):
        await run_one(room, worker, 10)
    running = await room.submit(resources={"cpu": 4})
    await room.engine.schedule()
    waits = await room.submit(resources={"cpu": 4})
    await room.engine.schedule()

    found = await room.jobs.waiting(waits)

    assert (found.eta - room.clock.now()).total_seconds() == 10
    assert found.after == running.id
