"""What is said of the future, and that it comes so when everything ends as expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.jobs import Job, Lease
from pileus.core.schemas.quota import Quota
from pileus.jobs import forecast as module
from pileus.jobs.forecast import forecast
from pileus.jobs.plan import Carry, Policy, PoolSnapshot
from pileus.jobs.policy.prediction import History
from pileus.jobs.scheduler import decide
from tests.unit.jobs.policy.building import by_node
from tests.unit.jobs.policy.test_quota import quota
from tests.unit.jobs.test_scheduler import NOW, make_job, make_lease, make_node

NODE = make_node(cpu=4)


def timed(number: int, seconds: float | None, **more: Any) -> Job:
    job = make_job(number, age=100 - number, **more)
    spec = job.spec.model_copy(update={"timeout_seconds": seconds})
    return job.model_copy(update={"spec": spec})


def holding(seconds: float | None, *, job: str = "job_held", cpu: int = 4) -> Lease:
    timeout = None if seconds is None else round(seconds * 1000)
    return make_lease(NODE, cpu=cpu).model_copy(update={"job": job, "timeout_ms": timeout})


def foretold(
    *queue: Job, leases: tuple[Lease, ...] = (), quotas: tuple[Quota, ...] = (), **more: Any
) -> Mapping[str, float]:
    """Seconds from now until each starts of those of which it is known."""
    pool = PoolSnapshot(now=NOW, nodes=[NODE], held=by_node(leases), queue=queue, **more)
    policy = Policy(quotas)
    plan = decide(pool, Carry(History()), policy)
    found = forecast(pool, plan, History(), policy, [job.id for job in queue])
    return {job: (at - NOW).total_seconds() for job, at in found.items()}


class TestForecast:
    def test_each_starts_when_the_one_before_is_expected_to_end(self) -> None:
        found = foretold(*(timed(n, 50, cpu=4) for n in (1, 2, 3)), leases=(holding(100),))

        assert found == {"job_0001": 100, "job_0002": 150, "job_0003": 200}

    def test_what_starts_now_is_awaited_too(self) -> None:
        found = foretold(timed(1, 70, cpu=4), timed(2, 50, cpu=4))

        assert found == {"job_0002": 70}

    def test_nothing_is_said_of_what_waits_behind_an_unknown_end(self) -> None:
        found = foretold(
            timed(1, None, cpu=4), timed(2, 50, cpu=4), timed(3, 9), leases=(holding(100),)
        )

        assert found == {"job_0001": 100}
        assert foretold(timed(1, 50, cpu=4), leases=(holding(None),)) == {}

    def test_priority_goes_first_then_too(self) -> None:
        late = timed(2, 50, cpu=4, priority=1)

        found = foretold(timed(1, 30, cpu=4), late, leases=(holding(100),))

        assert found == {"job_0002": 100, "job_0001": 150}

    def test_quotas_count_then_too(self) -> None:
        limited = quota("prj_1", cpu=1000)

        found = foretold(*(timed(n, 50) for n in (1, 2, 3)), quotas=(limited,))

        assert found == {"job_0002": 50, "job_0003": 100}

    def test_a_job_that_backs_off_starts_when_it_may(self) -> None:
        job = timed(1, 50).model_copy(update={"not_before": NOW + timedelta(seconds=7)})

        assert foretold(job) == {"job_0001": 7}

    def test_what_was_asked_to_stop_makes_its_room_at_once(self) -> None:
        found = foretold(
            timed(1, 50, cpu=4), leases=(holding(900),), stopping=frozenset({"job_held"})
        )

        assert found == {"job_0001": 0}

    def test_nothing_starts_while_the_installation_goes_down(self) -> None:
        assert foretold(timed(1, 50), leases=(holding(100),), is_draining=True) == {}

    def test_the_work_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MOST_WORK", 10)

        found = foretold(*(timed(n, 50, cpu=4) for n in range(1, 9)), leases=(holding(100),))

        assert found == {"job_0001": 100, "job_0002": 150}

    @given(
        st.lists(
            st.tuples(
                st.integers(1, 4), st.sampled_from([None, 30.0, 90.0, 500.0]), st.integers(0, 2)
            ),
            max_size=8,
        ),
        st.permutations(range(8)),
    )
    def test_the_order_of_the_queue_changes_nothing(
        self, asked: list[tuple[int, float | None, int]], order: list[int]
    ) -> None:
        queue = [timed(n, s, cpu=cpu, priority=p) for n, (cpu, s, p) in enumerate(asked)]
        leases = (holding(40, cpu=2), holding(400, job="job_other", cpu=2))

        found = foretold(*queue, leases=leases)

        shuffled = [queue[n] for n in order if n < len(queue)]
        assert foretold(*shuffled, leases=leases) == found
        assert all(seconds >= 40 for seconds in found.values())
