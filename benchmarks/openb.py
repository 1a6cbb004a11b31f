"""The openb trace of Alibaba: nodes with GPUs, and pods that ask for parts of them.

It may be used for research and not be passed on, so whoever measures fetches it: the folder
`cluster-trace-gpu-v2023/csv` of github.com/alibaba/clusterdata. The digests are of commit 7a6c496e4f.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.traces import rows

_SHA256 = {
    "openb_node_list_gpu_node": "2beca64b4d3dfa342036a34b56a495c6cef9225db836c81f541282cb1df320b5",
    "openb_pod_list_default": "1ee7ed79c27a3b0861cda8ddba86a004c6aba904caafa329a76ae93ca63834a8",
    "openb_pod_list_gpushare100": "12dbc07d6a49bf8641e2275a2ff5bf7be74b5df7d148d531e135b140b95f9a3d",
}
_ORIGIN = "cluster-trace-gpu-v2023/csv of github.com/alibaba/clusterdata"
MILLI = 1000


class TraceNode(NamedTuple):
    """A node; all its GPUs are of one model."""

    name: str
    cpu_milli: int
    gpus: int
    model: str


class Pod(NamedTuple):
    """What a pod asks for: of each of `gpus` devices, `gpu_milli` thousandths."""

    cpu_milli: int
    gpu_milli: int
    gpus: int


@dataclass(frozen=True)
class Trace:
    """Nodes by name, and the pods of one variant of the workload."""

    nodes: list[TraceNode]
    pods: list[Pod]

    @property
    def capacity(self) -> int:
        """Thousandths of GPUs."""
        return sum(node.gpus for node in self.nodes) * MILLI

    def workload(self, seed: int, ratio: float) -> list[Pod]:
        """Pods drawn with replacement until they ask for `ratio` of the GPUs, shuffled."""
        chance = random.Random(seed)
        wanted, drawn = ratio * self.capacity, 0
        chosen: list[Pod] = []
        while drawn < wanted:
            pod = chance.choice(self.pods)
            chosen.append(pod)
            drawn += pod.gpu_milli * pod.gpus
        chance.shuffle(chosen)
        return chosen


def read(folder: Path, variant: str) -> Trace:
    """The trace in `folder`, its files as they are or packed with gzip; another one ends us."""
    nodes = [
        TraceNode(row["sn"], int(row["cpu_milli"]), int(row["gpu"]), row["model"])
        for row in table(folder, "openb_node_list_gpu_node")
    ]
    pods = [
        Pod(int(row["cpu_milli"]), int(row["gpu_milli"] or 0), int(row["num_gpu"]))
        for row in table(folder, f"openb_pod_list_{variant}")
    ]
    return Trace(sorted(nodes), [pod if pod.gpus else pod._replace(gpu_milli=0) for pod in pods])


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of one file of the trace."""
    return rows(folder, name, _SHA256[name], _ORIGIN)
