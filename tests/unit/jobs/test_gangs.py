"""Jobs with several members: together or not at all, and one end of all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pileus.core.schemas.jobs import Artifact, AttemptStatus, JobSpec, JobStatus, StopReason
from pileus.core.schemas.quota import Stops
from pileus.jobs.errors import AttemptNotFound
from pileus.jobs.gangs import interrupted, verdict
from pileus.jobs.lifecycle import judge
from pileus.jobs.line import LOOKAHEAD_HEAD, LOOKAHEAD_PATIENT
from pileus.jobs.plan import Plan, Policy, PoolSnapshot
from pileus.jobs.pool import load_pool
from pileus.jobs.scheduler import PATIENCE, decide
from tests.unit.jobs.building import CALLER, PROJECT, Worker, ended, running
from tests.unit.jobs.policy.building import NOW, by_node
from tests.unit.jobs.policy.test_quota import quota
from tests.unit.jobs.test_lifecycle import ATTEMPT
from tests.unit.jobs.test_lifecycle import make_job as a_job
from tests.unit.jobs.test_scheduler import granted, make_job, make_lease, make_node, plan


def gang(number: int, members: int, *, age: float = 0.0, timeout: float | None = None, **asked):
    job = make_job(number, age=age, **asked)
    update = {"gang": members, "timeout_seconds": timeout}
    return job.model_copy(update={"spec": job.spec.model_copy(update=update)})


def nodes_of(result) -> list[list[str]]:
    return [[berth.node.name for berth in grant.berths] for grant in result.grants]


class TestDecide:
    def test_it_starts_on_as_many_nodes_as_it_needs(self) -> None:
        result = plan(gang(1, 3, cpu=2), nodes=[make_node("a", cpu=4), make_node("b", cpu=2)])

        assert nodes_of(result) == [["b", "a", "a"]]

    def test_where_one_member_finds_no_room_none_starts_and_others_have_it(self) -> None:
        nodes = [make_node("a", cpu=4), make_node("b", cpu=4)]
        held = (make_lease(nodes[0], cpu=2), make_lease(nodes[1], cpu=2))

        result = plan(gang(1, 3, cpu=2), make_job(2, cpu=2), nodes=nodes, leases=held)

        assert granted(result) == ["job_0002"]
        assert "for each of 3 members at once" in result.waiting["job_0001"].reason

    def test_the_devices_of_members_are_their_own(self) -> None:
        result = plan(gang(1, 3, gpu=1), nodes=[make_node("a", gpus=2), make_node("b", gpus=2)])

        [grant] = result.grants
        assert len({(x.node.id, x.devices) for x in grant.berths}) == 3

    def test_its_quota_has_room_for_all_or_none(self) -> None:
        queue = [gang(1, 2, cpu=2), make_job(2, cpu=2)]
        pool = PoolSnapshot(now=NOW, nodes=[make_node(cpu=8)], held={}, queue=queue)
        assert granted(decide(pool)) == ["job_0001", "job_0002"]

        limited = decide(pool, None, Policy((quota("prj_1", 3000),)))

        assert granted(limited) == ["job_0002"]
        assert "may never hold cpu=4" in limited.waiting["job_0001"].reason

    def test_one_that_no_pool_of_these_nodes_can_hold_says_so_and_keeps_nothing(self) -> None:
        old = PATIENCE.total_seconds() + 1

        result = plan(gang(1, 3, cpu=3, age=old), make_job(2), nodes=[make_node(cpu=4)])

        assert granted(result) == ["job_0002"]
        assert result.waiting["job_0001"].reason == (
            "Its 3 members ask for cpu=3 memory=100MiB each, and the nodes have room for 1 of them"
        )

    def test_nodes_are_kept_for_it_from_when_all_of_them_are_expected(self) -> None:
        a, b = make_node("a", cpu=4), make_node("b", cpu=4)
        held = tuple(
            make_lease(node, cpu=3).model_copy(update={"timeout_ms": ms, "job": f"job_{node.name}"})
            for node, ms in ((a, 50_000), (b, 90_000))
        )
        late = make_job(3)
        late = late.model_copy(
            update={"spec": late.spec.model_copy(update={"timeout_seconds": 200.0})}
        )
        soon = make_job(4)
        soon = soon.model_copy(
            update={"spec": soon.spec.model_copy(update={"timeout_seconds": 60.0})}
        )

        result = plan(gang(1, 2, cpu=4, age=10), late, soon, nodes=[a, b], leases=held)

        assert result.waiting["job_0001"].eta == NOW + timedelta(seconds=90)
        assert granted(result) == ["job_0004"]

    def test_it_is_not_passed_for_ever_where_nothing_is_known(self) -> None:
        a, b = make_node("a", cpu=4), make_node("b", cpu=4)
        old = PATIENCE.total_seconds() + 1

        result = plan(
            gang(1, 2, cpu=4, age=old), make_job(2), nodes=[a, b], leases=(make_lease(a),)
        )

        assert granted(result) == []


class TestMakingRoom:
    """By a quota that lets higher priority of its project stop what runs."""

    QUOTAS = Policy((quota("prj_1", 99_000, preempt=Stops.LOWER),))

    def decided(self, nodes, leases, queue, **more) -> Plan:
        pool = PoolSnapshot(now=NOW, nodes=nodes, held=by_node(leases), queue=queue, **more)
        return decide(pool, None, self.QUOTAS)

    def test_others_are_stopped_on_all_of_its_nodes_and_those_are_kept_until_it_starts(
        self,
    ) -> None:
        nodes = [make_node("a", cpu=4), make_node("b", cpu=4), make_node("c", cpu=4)]
        held = [
            make_lease(node, cpu=4).model_copy(update={"job": f"job_{node.name}", "priority": 0})
            for node in nodes
        ]
        wanted = gang(1, 2, cpu=4, priority=5)
        other = make_job(2, cpu=1).model_copy(update={"project": "prj_2"})

        first = self.decided(nodes, held, [wanted])
        victims = {one.victim for one in first.preemptions}
        rest = [lease for lease in held if lease.job not in victims]
        half = self.decided(
            nodes,
            [*rest, *(lease for lease in held if lease.job == min(victims))],
            [wanted, other],
            stopping=frozenset({min(victims)}),
            promises=first.promises,
        )
        last = self.decided(nodes, rest, [wanted, other], promises=half.promises)

        assert (granted(first), len(victims), len(first.promises[wanted.id])) == ([], 2, 2)
        assert "on nodes '" in first.waiting[wanted.id].reason
        assert (granted(half), half.promises, half.preemptions) == ([], first.promises, ())
        assert (granted(last), last.promises) == ([wanted.id], {})

    def test_one_that_runs_makes_room_as_a_whole(self) -> None:
        nodes = [make_node("a", cpu=4), make_node("b", cpu=4)]
        held = [
            make_lease(node, cpu=4).model_copy(update={"job": "job_gang", "id": f"lse_{node.name}"})
            for node in nodes
        ]

        found = self.decided(nodes, held, [make_job(1, cpu=4, priority=5)])

        assert [one.victim for one in found.preemptions] == ["job_gang"]
        assert found.waiting["job_0001"].reason.endswith("2 attempts save checkpoints")

    def test_a_promise_of_nodes_that_have_no_room_any_more_is_made_anew(self) -> None:
        nodes = [make_node("a", cpu=4), make_node("b", cpu=4)]
        held = [
            make_lease(node, cpu=4).model_copy(update={"job": f"job_{node.name}", "priority": 9})
            for node in nodes
        ]
        wanted = gang(1, 2, cpu=4, priority=5)

        found = self.decided(nodes, held, [wanted], promises={wanted.id: ("nod_a", "nod_b")})

        assert (found.promises, found.preemptions) == ({}, ())


def gang_of(count: int, **exits):
    """A job and its members, which ended as `exits` says: rank → exit, in the order of their ends."""
    job = a_job()
    job = job.model_copy(update={"spec": job.spec.model_copy(update={"gang": count})})
    members = []
    for place, (name, document) in enumerate(exits.items()):
        rank = int(name.removeprefix("r"))
        member = ATTEMPT.model_copy(
            update={
                "id": f"att_{rank}",
                "rank": rank,
                "exit": {"schema": 1, **document},
                "ended_at": NOW + timedelta(seconds=place),
                "status": AttemptStatus.FAILED,
            }
        )
        members.append(member)
    return job, sorted(members, key=lambda member: member.rank)


WELL = {"code": 0, "reason": "exited"}
BADLY = {"code": 3, "reason": "exited"}
AFTER = {"code": -15, "reason": "peer"}
LOST = {"code": None, "reason": "node_lost"}


class TestVerdict:
    def test_all_have_to_succeed(self) -> None:
        job, members = gang_of(2, r0=WELL, r1=WELL)
        assert verdict(job, members).job is JobStatus.SUCCEEDED

        job, members = gang_of(2, r0=WELL, r1=BADLY)
        end = verdict(job, members)
        assert (end.job, end.reason) == (JobStatus.FAILED, "Rank 1: Exited with code 3")
        assert end.hint is not None
        assert end.hint.endswith("--rank 1`.")

    def test_the_first_that_failed_is_told_and_not_who_was_stopped_for_it(self) -> None:
        job, members = gang_of(3, r2=AFTER, r1=BADLY, r0={"code": 9, "reason": "exited"})

        assert verdict(job, members).reason == "Rank 1: Exited with code 3"

    def test_a_lost_node_counts_before_what_its_loss_did_to_the_others(self) -> None:
        job, members = gang_of(2, r0=BADLY, r1=LOST)

        end = verdict(job, members)

        assert (end.job, end.is_failure) == (JobStatus.QUEUED, True)
        assert "Rank 1: The node stopped answering" in str(end.reason)

    def test_a_machine_that_shuts_down_counts_before_what_that_did_to_the_others(self) -> None:
        job, members = gang_of(2, r0=BADLY, r1={"code": -15, "reason": "preempt"})

        assert verdict(job, members).job is JobStatus.QUEUED

    @pytest.mark.parametrize(
        "asked, status",
        [(StopReason.CANCEL, JobStatus.CANCELLED), (StopReason.PREEMPT, JobStatus.QUEUED)],
    )
    def test_a_request_to_stop_is_what_it_ends_by(self, asked, status) -> None:
        job, members = gang_of(2, r0=WELL, r1={"code": -15, "reason": asked.value})
        job = job.model_copy(update={"stop_requested": asked})

        end = verdict(job, members)

        assert (end.job, end.is_failure) == (status, False)

    def test_the_others_are_stopped_once_one_has_not_succeeded(self) -> None:
        job, members = gang_of(2, r0=WELL, r1=BADLY)
        ends = [judge(job, one, one.exit or {}, None) for one in members]

        assert interrupted(job, members[0], ends[0]) == job
        stopped = interrupted(job, members[1], ends[1])
        assert stopped.stop_requested is StopReason.PEER
        again = stopped.model_copy(update={"stop_requested": StopReason.CANCEL})
        assert interrupted(again, members[1], ends[1]) == again


@pytest.fixture
async def two(room):
    """Two nodes of four processors."""
    return [await Worker(room, name).register() for name in ("n1", "n2")]


async def started(room, two, **spec):
    """A gang of two that needs both nodes, reported as running; its orders by rank."""
    job = await room.submit(**{"gang": 2, "resources": {"cpu": 3}, **spec})
    assert await room.engine.schedule() == 2
    for worker in two:
        await worker.sync()
        await worker.sync(*(running(order) for order in worker.orders.values()))
    orders = {}
    for worker in two:
        for order in worker.orders.values():
            orders[order.spec.seat.rank] = (worker, order)
    return job, [orders[rank] for rank in sorted(orders)]


class TestLife:
    async def test_members_find_one_another(self, room, two) -> None:
        room_address = two[0].registration().model_copy(update={"address": "10.0.0.1"})
        await room.nodes.register(room_address)

        job, orders = await started(room, two)

        seats = [order.spec.seat for _, order in orders]
        assert [(seat.rank, seat.size) for seat in seats] == [(0, 2), (1, 2)]
        assert len({(seat.address, seat.port) for seat in seats}) == 1
        assert seats[0].address == ("10.0.0.1" if orders[0][0] is two[0] else "n2")
        assert job.spec.gang == 2

    async def test_it_succeeds_when_the_last_has(self, room, two) -> None:
        job, [(first, zero), (second, one)] = await started(room, two)

        await second.sync(ended(one, artifacts=(Artifact(path="b", digest="d1", size=1),)))
        assert (await room.job(job)).status is JobStatus.RUNNING
        assert (await room.job(job)).stop_requested is None
        left = (
            Artifact(path="a", digest="d0", size=1),
            Artifact(path="b", digest="d0", size=1),
        )
        result = {"status": "succeeded", "summary": {"loss": 1}}
        await first.sync(ended(zero, artifacts=left, result=result))

        job = await room.job(job)
        assert (job.status, job.attempts, job.summary) == (JobStatus.SUCCEEDED, 1, {"loss": 1})
        of, found = await room.jobs.artifacts(PROJECT, job.id)
        assert of == zero.id
        assert [(x.path, x.digest) for x in found] == [("a", "d0"), ("b", "d0")]

    async def test_the_room_of_one_that_is_done_is_given_to_others(self, room, two) -> None:
        _, [_, (second, one)] = await started(room, two)
        waiting = await room.submit(resources={"cpu": 2})
        await room.engine.schedule()
        seen = await room.database.read(lambda s: s.last_change())

        await second.sync(ended(one))

        changes = await room.database.read(lambda s: list(s.changes(seen)))
        assert "job" in {change.noun for change in changes}, "nothing woke the scheduler"
        await room.engine.schedule()
        assert (await room.job(waiting)).status is JobStatus.RUNNING

    async def test_one_failure_stops_the_others_and_the_next_try_waits_for_all(
        self, room, two
    ) -> None:
        job, [(first, zero), (second, one)] = await started(room, two)

        await second.sync(ended(one, code=None, reason="runner_lost"))
        await room.engine.schedule()
        assert (await room.job(job)).status is JobStatus.RUNNING
        assert "Rank 1" in str((await room.job(job)).reason)
        await first.sync(running(zero))
        assert first.orders[zero.id].desired == "stop"
        assert first.orders[zero.id].stop_reason is StopReason.PEER

        await first.sync(ended(zero, code=-15, reason="peer"))
        assert (await room.job(job)).status is JobStatus.QUEUED
        assert (await room.job(job)).failures == 1
        assert await room.engine.schedule() == 2
        tries = await room.jobs.attempts(PROJECT, job.id)
        assert [(x.number, x.rank) for x in tries] == [(1, 0), (1, 1), (2, 0), (2, 1)]
        assert (await room.jobs.attempt(PROJECT, job.id, None, 1))[1].id == tries[3].id

    async def test_a_cancel_stops_all(self, room, two) -> None:
        job, orders = await started(room, two)

        await room.jobs.cancel(CALLER, job.id)
        for worker, order in orders:
            await worker.sync(ended(order, code=-15, reason="cancel"))

        assert (await room.job(job)).status is JobStatus.CANCELLED

    async def test_a_checkpoint_of_its_own_comes_before_that_of_rank_0(self, room, two) -> None:
        job, orders = await started(room, two)
        for rank, (worker, order) in enumerate(orders):
            left = [Artifact(path="checkpoint/mine", digest=f"d{rank}", size=1)]
            if rank == 0:
                left.append(Artifact(path="checkpoint/all", digest="all", size=1))
            await worker.sync(ended(order, code=None, reason="runner_lost", artifacts=tuple(left)))
        assert await room.engine.schedule() == 2
        for worker in two:
            await worker.sync()

        for worker in two:
            for order in worker.orders.values():
                [given] = order.spec.inputs
                rank = order.spec.seat.rank
                assert [(x.path, x.digest) for x in given.files] == [
                    ("all", "all"),
                    ("mine", f"d{rank}"),
                ]
        assert (await room.job(job)).attempts == 2

    async def test_parts_of_a_checkpoint_come_from_a_try_that_has_them_all(self, room, two) -> None:
        await started(room, two)
        for number, ranks in ((1, (0, 1)), (2, (0,))):
            for worker in two:
                for order in worker.orders.values():
                    rank = order.spec.seat.rank
                    part = Artifact(path=f"checkpoint/part-{rank}", digest=f"d{number}", size=1)
                    left = (part,) if rank in ranks else ()
                    await worker.sync(ended(order, code=None, reason="runner_lost", artifacts=left))
            assert await room.engine.schedule() == 2
            for worker in two:
                await worker.sync()

        for worker in two:
            for order in worker.orders.values():
                [given] = order.spec.inputs
                found = {file.path: file.digest for file in given.files}
                assert found == {"part-0": "d1", "part-1": "d1"}

    async def test_gangs_that_never_fit_hide_nobody(self, room, two) -> None:
        for _ in range(LOOKAHEAD_HEAD + LOOKAHEAD_PATIENT):
            await room.submit(gang=3, resources={"cpu": 4})
        room.clock.advance(PATIENCE.total_seconds() + 1)
        for worker in two:
            await worker.sync()
        alone = await room.submit(resources={"cpu": 4})

        pool = await room.database.read(lambda s: load_pool(s, 3600.0))

        assert [job.id for job in pool.queue] == [alone.id]

    async def test_a_rank_that_it_does_not_have_is_told(self, room, two) -> None:
        job, _ = await started(room, two)

        with pytest.raises(AttemptNotFound, match="no rank 2"):
            await room.jobs.attempt(PROJECT, job.id, None, 2)

    async def test_the_estimate_is_for_all_members(self, room, two) -> None:
        def spec(members):
            return JobSpec(kind="command", command=("true",), gang=members)

        one = await room.jobs.estimate(CALLER, spec(1))
        three = await room.jobs.estimate(CALLER, spec(3))

        assert three.micro_per_hour == 3 * one.micro_per_hour
        assert three.node is not None
