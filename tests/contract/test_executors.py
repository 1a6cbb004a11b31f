"""One suite, every place where attempts run: processes of this machine, a node of a Ray cluster."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pileus.compute.environments import Environment
from pileus.compute.errors import EnvironmentUnknown, RunnerNotStarted
from pileus.compute.executor import Executor, Launch, Phase
from pileus.compute.executors.process import ProcessExecutor
from pileus.compute.layout import Layout
from pileus.compute.limits.amounts import Limits
from tests.ray_cluster import need_ray, ray_cluster
from tests.unit.compute.building import json_in, make_directory, make_launch, wait_until

ENVIRONMENTS = {"plain": Environment()}
LEASE = "lease"

Make = Callable[[], Executor]


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    """A node of a cluster to which this process is connected."""
    need_ray()
    import ray  # a second, for these tests alone

    with ray_cluster() as cluster, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own code
        ray.init(
            cluster.address, namespace="contract", log_to_driver=False, configure_logging=False
        )
        yield str(ray.nodes()[0]["NodeID"])
        ray.shutdown()


def _process() -> Executor:
    return ProcessExecutor(ENVIRONMENTS)


def _on_ray(node: str, **given: Any) -> Any:
    from pileus.compute.executors.ray import RayExecutor  # needs Ray

    return RayExecutor(_process(), node, **given)


@pytest.fixture(params=["process", pytest.param("ray", marks=pytest.mark.ray)])
def make(request: pytest.FixtureRequest) -> Make:
    """A new executor, as after a restart of the worker."""
    if request.param == "process":
        return _process
    return partial(_on_ray, request.getfixturevalue("node"))


@pytest.fixture
def layout(tmp_path: Path, make: Make) -> Iterator[Layout]:
    made = make_directory(tmp_path, f"att_{tmp_path.name}")
    yield made
    ProcessExecutor(ENVIRONMENTS).kill(made.directory)


def launch_in(layout: Layout, *command: str, cpu_milli: int = 1000) -> Launch:
    return make_launch(layout, *command, limits=Limits(cpu_milli=cpu_milli, memory_mib=256))


class TestExecutor:
    async def test_a_command_runs_to_its_end(self, make: Make, layout: Layout) -> None:
        executor = make()
        await executor.start(layout.directory, launch_in(layout, "sh", "-c", "echo said; exit 4"))

        state = await executor.wait(layout.directory, LEASE)

        assert (state.phase, state.exit["code"]) == (Phase.ENDED, 4)
        assert layout.stdout.read_text() == "said\n"
        await executor.close()

    async def test_starting_twice_runs_once(self, make: Make, layout: Layout) -> None:
        executor = make()
        launch = launch_in(layout, "sh", "-c", "echo once; sleep 0.2")
        await executor.start(layout.directory, launch)

        await executor.start(layout.directory, launch)

        await executor.wait(layout.directory, LEASE)
        assert layout.stdout.read_text() == "once\n"

    async def test_a_new_one_goes_on_where_another_was_killed(
        self, make: Make, layout: Layout
    ) -> None:
        await make().start(layout.directory, launch_in(layout, "sh", "-c", "sleep 1; exit 3"))

        adopted = make()

        assert adopted.state(layout.directory, LEASE).phase is Phase.RUNNING
        assert (await adopted.wait(layout.directory, LEASE)).exit["code"] == 3

    async def test_what_is_asked_to_stop_ends_for_that_reason(
        self, make: Make, layout: Layout
    ) -> None:
        executor = make()
        await executor.start(layout.directory, launch_in(layout, "sleep", "60"))

        executor.stop(layout.directory, "preempt")

        state = await asyncio.wait_for(executor.wait(layout.directory, LEASE), 20)
        assert state.exit["reason"] == "preempt"

    async def test_killing_leaves_nothing_running(self, make: Make, layout: Layout) -> None:
        executor = make()
        await executor.start(layout.directory, launch_in(layout, "sleep", "60"))

        executor.kill(layout.directory)

        state = await asyncio.wait_for(executor.wait(layout.directory, LEASE), 20)
        assert state.is_over
        await executor.close()

    async def test_a_lease_that_nobody_renews_ends_it(self, make: Make, layout: Layout) -> None:
        executor = make()
        await executor.start(layout.directory, launch_in(layout, "sleep", "60"))

        executor.renew(layout.directory, 0.5, asyncio.get_running_loop().time())

        state = await asyncio.wait_for(executor.wait(layout.directory, LEASE), 20)
        assert state.exit["reason"] == "fenced"

    async def test_what_cannot_be_started_holds_nothing(self, make: Make, layout: Layout) -> None:
        executor = make()
        launch = make_launch(
            layout, entry="lesson", environment="unknown", limits=Limits(cpu_milli=2000)
        )

        with pytest.raises(EnvironmentUnknown):
            await executor.start(layout.directory, launch)
        state = executor.refuse(layout.directory, "It cannot be started")

        assert state.is_over
        await executor.close()
        later = launch_in(layout, "true", cpu_milli=2000)
        layout.exit.unlink()
        await executor.start(layout.directory, later)
        assert (await executor.wait(layout.directory, LEASE)).exit["code"] == 0


@pytest.mark.ray
class TestRay:
    """What is held of the cluster."""

    async def test_an_attempt_holds_what_it_asked_for_until_it_ends(
        self, node: str, tmp_path: Path
    ) -> None:
        layout = make_directory(tmp_path, "att_holds")
        executor = _on_ray(node)

        await executor.start(layout.directory, launch_in(layout, "sleep", "0.5"))

        assert _held(node) == {"att_holds": {"CPU": 1.0, "memory": 256.0 * 2**20}}
        await executor.wait(layout.directory, LEASE)
        wait_until(lambda: not _held(node))

    async def test_what_others_hold_is_not_given_twice(self, node: str, tmp_path: Path) -> None:
        first, second = make_directory(tmp_path, "att_a"), make_directory(tmp_path, "att_b")
        executor, hasty = _on_ray(node), _on_ray(node, patience_seconds=0.5)
        await executor.start(first.directory, launch_in(first, "sleep", "60", cpu_milli=2000))

        with pytest.raises(RunnerNotStarted, match="not given CPU 1, memory 256 MiB"):
            await hasty.start(second.directory, launch_in(second, "true"))
        await hasty.close()

        assert not second.runner.exists()
        executor.kill(first.directory)
        wait_until(lambda: not _held(node))
        await executor.start(second.directory, launch_in(second, "true"))
        await executor.wait(second.directory, LEASE)

    async def test_what_a_killed_worker_left_held_is_given_back(
        self, node: str, tmp_path: Path
    ) -> None:
        layout = make_directory(tmp_path, "att_kept")
        executor = _on_ray(node)
        await executor.start(layout.directory, launch_in(layout, "sleep", "60"))
        gone = make_directory(tmp_path, "att_gone")
        await executor.start(gone.directory, launch_in(gone, "sleep", "60"))

        await _on_ray(node).recover({"att_kept"})

        wait_until(lambda: set(_held(node)) == {"att_kept"})
        for one in (layout, gone):
            assert json_in(one.runner)["pid"]
            executor.kill(one.directory)
        await executor.close()


def _held(node: str) -> dict[str, dict[str, float]]:
    """Attempt → what Ray holds for it on the node."""
    from ray.util.placement_group import placement_group_table  # needs Ray

    return {
        one["name"]: one["bundles"][0]
        for one in placement_group_table().values()
        if one["state"] == "CREATED" and node in one["bundles_to_node_id"].values()
    }
