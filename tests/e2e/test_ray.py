"""An installation whose attempts run on a real Ray cluster of two nodes, one of which is lost."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.installation import Installation, processes_of, until
from tests.ray_cluster import RayCluster, need_ray, ray_cluster

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

JOBS = 20
_FENCE_SECONDS = 8

# Two attempts of one job at once would meet at its lock, which the kernel opens when one dies.
_ALONE = """
import fcntl, sys, time
lock = open(sys.argv[1], "a")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    open(sys.argv[1] + ".twice", "a")
    raise
time.sleep(2)
print("done")
"""


# Each member has other rows; only together they find the weights, and then have the same. They leave without
# taking torch apart: of two that do, one in twenty is aborted by a thread of gloo's, without us as well.
_TRAIN = """
import os, sys, torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
torch.manual_seed(dist.get_rank())
model = DistributedDataParallel(torch.nn.Linear(2, 1, bias=False))
optimiser = torch.optim.SGD(model.parameters(), lr=0.2)
column = dist.get_rank()
for step in range(60):
    rows = torch.zeros(32, 2)
    rows[:, column] = torch.randn(32)
    loss = ((model(rows) - rows @ torch.tensor([[3.0], [-5.0]])) ** 2).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print([round(weight, 2) for weight in model.module.weight.flatten().tolist()])
sys.stdout.flush()
dist.barrier()
os._exit(0)
"""


@pytest.fixture
def cluster() -> Iterator[RayCluster]:
    need_ray()
    with ray_cluster() as found:
        yield found


@pytest.fixture
def installation(tmp_path: Path, cluster: RayCluster) -> Iterator[Installation]:
    made = Installation(tmp_path / "installation")
    nodes = tmp_path / "nodes"
    made.configure(
        f"[jobs]\nlease_seconds = 4\nfence_seconds = {_FENCE_SECONDS}\nretry_seconds = 0\n"
        '[worker]\nexecutor = "ray"\n'
        f"[worker.ray]\naddress = {json.dumps(cluster.address)}\n"
        f"directory = {json.dumps(str(nodes))}\nlook_seconds = 0.5\n"
    )
    try:
        made.up()
        until(lambda: len(_nodes(made)) == 2, seconds=120)
        yield made
    finally:
        made.end()
        for process in processes_of(nodes):
            process.kill()


def test_jobs_on_a_cluster_are_jobs_and_outlive_one_of_its_nodes(
    installation: Installation, cluster: RayCluster, tmp_path: Path
) -> None:
    said = installation.run("run", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (said.returncode, "out" in said.stdout, "err" in said.stderr) == (6, True, True)

    trained = installation.cli(
        *("run", "--detach", "--gang", "2", "--cpu", "1.5", "--memory", "1500m", "--"),
        *(sys.executable, "-c", _TRAIN),
    )["id"]
    ended = installation.ended(trained)
    assert ended["status"] == "succeeded", ended["reason"]
    assert len(_nodes_of(installation, [trained])) == 2
    for rank in ("0", "1"):
        printed = installation.run("job", "logs", trained, "--rank", rank).stdout
        assert printed == "[3.0, -5.0]\n"

    endless = _submit(installation, "endless", "sleep", "600")
    until(lambda: installation.cli("job", "show", endless)["status"] == "running", seconds=20)
    installation.kill("worker")  # the workers on the nodes go on without it
    ended = _actors()  # and are made anew, and find what goes on without them
    for actor in ended:
        actor.terminate()
    assert not psutil.wait_procs(ended, timeout=20)[1]
    until(lambda: len(_actors()) == 2, seconds=120)
    assert installation.cli("job", "show", endless)["status"] == "running"
    installation.cli("job", "cancel", endless)
    cancelled = installation.ended(endless)
    assert (cancelled["status"], cancelled["attempts"]) == ("cancelled", 1)

    locks = [tmp_path / f"{number}.lock" for number in range(JOBS)]
    with installation.client() as client:  # at once, so that most still wait when the node is lost
        jobs = [client.jobs.submit(_alone(lock))["id"] for lock in locks]
    until(lambda: len(_nodes_of(installation, jobs)) == 2, seconds=60)
    os.kill(cluster.raylet, signal.SIGKILL)

    done = [installation.ended(job) for job in jobs]

    assert {job["status"] for job in done} == {"succeeded"}
    assert any(job["attempts"] > 1 for job in done), "nothing ran on the node that was lost"
    assert not list(tmp_path.glob("*.twice"))
    until(lambda: len(_nodes(installation)) == 1, seconds=60)
    installation.down()


def _alone(lock: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", _ALONE, str(lock)]
    return {"kind": "command", "command": command, "resources": {"memory_mib": 256}}


def _actors() -> list[psutil.Process]:
    found = psutil.process_iter(["name"])
    return [one for one in found if one.info["name"] == "ray::FleetNode"]


def _submit(installation: Installation, name: str, *command: str) -> str:
    words = ("run", "--detach", "--name", name, "--cpu", "1", "--memory", "256m", "--", *command)
    return str(installation.cli(*words)["id"])


def _nodes(installation: Installation) -> list[str]:
    """Those that answer."""
    found = installation.cli("status")["nodes"]
    return [node["name"] for node in found if node["is_answering"]]


def _nodes_of(installation: Installation, jobs: list[str]) -> set[str]:
    with installation.client() as client:
        return {one["node"] for job in jobs for one in client.jobs.attempts(job)}
