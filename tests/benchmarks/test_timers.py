"""Attempts that only wait."""

from __future__ import annotations

from typing import Literal

import pytest

from benchmarks.timers import Timers
from pileus.core.schemas.jobs import AttemptSpec, DesiredAttempt, NodeOrders
from pileus.core.schemas.resources import Resources


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def order(
    seconds: str = "2", *, desired: Literal["run", "stop"] = "run", command: str = "sleep"
) -> DesiredAttempt:
    spec = AttemptSpec(
        attempt="att_1",
        job="job_1",
        project="prj_1",
        number=1,
        command=(command, seconds),
        recipe_entry=None,
        environment="plain",
        env={},
        inputs=(),
        params={},
        resources=Resources(),
        timeout_seconds=None,
        grace_seconds=1,
    )
    return DesiredAttempt(
        id="att_1",
        job="job_1",
        project="prj_1",
        lease_token="t",
        expires_in_seconds=30,
        desired=desired,
        token="t",
        spec=spec,
    )


def orders(*attempts: DesiredAttempt, forget: tuple[str, ...] = ()) -> NodeOrders:
    return NodeOrders(version=1, draining=False, attempts=attempts, forget=forget)


class TestTimers:
    def test_it_runs_for_its_time_and_is_told_until_it_is_forgotten(self) -> None:
        clock = Clock()
        timers = Timers(clock)
        timers.apply(orders(order()))
        assert [one.state for one in timers.report()] == ["running"]
        assert timers.seconds_left() == 2

        clock.now = 2
        (said,) = timers.report()
        timers.apply(orders(order()))

        assert said.state == "ended"
        assert said.exit == {"schema": 1, "code": 0, "reason": "exited"}
        assert len(timers.report()) == 1
        timers.apply(orders(forget=("att_1",)))
        assert timers.report() == ()

    def test_it_stops_when_asked(self) -> None:
        timers = Timers(Clock())
        timers.apply(orders(order()))

        timers.apply(orders(order(desired="stop")))

        (said,) = timers.report()
        assert said.exit is not None
        assert said.exit["reason"] == "preempt"

    def test_anything_else_is_no_timer(self) -> None:
        with pytest.raises(ValueError, match="no timer"):
            Timers(Clock()).apply(orders(order(command="true")))
