"""A real Ray cluster of two nodes on this machine, in processes that end with whoever asked for it."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

_CLUSTER = """
import json, sys, threading
from ray.cluster_utils import Cluster

node = {"num_cpus": 2, "object_store_memory": 80 * 2**20}
cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
nodes = [cluster.head_node, cluster.add_node(**node)]
raylets = [one.all_processes["raylet"][0].process for one in nodes]
pids = [one.pid for one in raylets]
for one in raylets:  # as init would: to Ray, a zombie lives
    threading.Thread(target=one.wait, daemon=True).start()
print(json.dumps([cluster.address, *pids]), flush=True)
sys.stdin.read()
cluster.shutdown()
"""


def need_ray() -> None:
    """Missing it skips on a laptop whose Python it is not made for, and fails on CI."""
    if importlib.util.find_spec("ray") is None and not os.environ.get("CI"):
        pytest.skip("Ray is not installed")


class RayCluster(NamedTuple):
    """Two nodes of two processors; the second is not the head."""

    address: str
    head_raylet: int
    raylet: int


@contextmanager
def ray_cluster() -> Iterator[RayCluster]:
    """Started, and gone afterwards."""
    quiet = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", _CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=quiet,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield RayCluster(*json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
