"""What runs, job by job."""

from __future__ import annotations

from datetime import timedelta

from pileus.jobs.policy.holdings import holdings_of
from pileus.jobs.policy.quota import Quotas
from tests.unit.jobs.policy.building import NOW, lease, node, request
from tests.unit.jobs.policy.test_quota import quota

LATER = NOW + timedelta(seconds=30)


def test_members_of_a_gang_are_one_holding_with_all_that_they_hold() -> None:
    on = node("a", kinds="t4 h200")
    held = [
        lease(on, request(cpu=1, gpu=1), device).model_copy(
            update={"job": "job_1", "project": "prj_1", "micro_per_hour": 3600}
        )
        for device in ("a0", "a1")
    ]

    [found] = holdings_of(held, [on], Quotas([quota("prj_1", 9000)]), LATER)

    assert (found.job, found.project, len(found.leases)) == ("job_1", "prj_1", 2)
    assert found.amounts["cpu_milli"] == 2000
    assert found.amounts["gpu_milli:t4"] == found.amounts["gpu_milli:h200"] == 1000
    assert found.lost_micro == 2 * 30


def test_a_project_without_a_quota_holds_nothing_that_counts() -> None:
    held = [lease(node(), request())]

    assert holdings_of(held, [node()], Quotas([quota("prj_9", 1)]), LATER) == []
    assert holdings_of(held, [node()], Quotas([]), LATER) == []
