"""BestFit and FGD, stated again from what is published of them, to compare placements with.

FGD: Weng et al., Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient
Descent (USENIX ATC 2023); BestFit as their simulator has it. Scores are whole numbers up to 100, and
of equal ones the node of the lowest name wins, as in that simulator. Memory is not looked at.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.openb import MILLI, Pod, Trace

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_MOST_CPU = 128_000.0
_MOST_GPUS = 8
_TYPICAL_SHARE = 0.95
_TYPICAL_STEP = 10


class Published(ABC):
    """Nodes as arrays; a score for each pair of pod and node, made anew where a node changed."""

    prefers_the_fullest = False
    """Of devices of a node with equal scores; else the first has the pod."""

    def __init__(self, trace: Trace) -> None:
        self._cpu = np.array([node.cpu_milli for node in trace.nodes], dtype=np.float64)
        self._left = np.full((len(trace.nodes), _MOST_GPUS), -1.0)
        for number, node in enumerate(trace.nodes):
            self._left[number, : node.gpus] = MILLI
        self._scores: dict[Pod, Floats] = {}
        self._devices: dict[Pod, Places] = {}
        self._changed: dict[Pod, set[int]] = {}

    def place(self, pod: Pod) -> bool:
        """Give the pod the place of the best score; whether there is one."""
        scores = self._scored(pod)
        number = int(np.argmax(scores))
        if scores[number] == -np.inf:
            return False
        if _is_fraction(pod):
            self._left[number, self._devices[pod][number]] -= pod.gpu_milli
        elif pod.gpus:
            self._left[number, self._whole(number, pod)] -= MILLI
        self._cpu[number] -= pod.cpu_milli
        for changed in self._changed.values():
            changed.add(number)
        return True

    @abstractmethod
    def score(self, numbers: Places, cpu: Floats, left: Floats, /) -> Floats:
        """Of the nodes of these numbers, if they had so much left."""

    def _scored(self, pod: Pod) -> Floats:
        if pod not in self._scores:
            self._scores[pod] = np.full(len(self._cpu), -np.inf)
            self._devices[pod] = np.zeros(len(self._cpu), dtype=np.int64)
            self._changed[pod] = set(range(len(self._cpu)))
        scores, changed = self._scores[pod], np.array(sorted(self._changed[pod]), dtype=np.int64)
        self._changed[pod].clear()
        if not changed.size:
            return scores
        scores[changed] = -np.inf
        room = (self._left[changed] >= max(pod.gpu_milli, 1)).sum(axis=1)
        fitting = changed[(self._cpu[changed] >= pod.cpu_milli) & (room >= pod.gpus)]
        if _is_fraction(pod):
            self._score_fractions(pod, fitting)
            return scores
        left = self._left[fitting]
        for row, number in enumerate(fitting):
            left[row, self._whole(int(number), pod)] -= MILLI
        scores[fitting] = self.score(fitting, self._cpu[fitting] - pod.cpu_milli, left)
        return scores

    def _score_fractions(self, pod: Pod, fitting: Places) -> None:
        """The best device of each node."""
        rows, places = np.nonzero(self._left[fitting] >= pod.gpu_milli)
        numbers = fitting[rows]
        left = self._left[numbers]
        before = left[np.arange(len(rows)), places]
        left[np.arange(len(rows)), places] -= pod.gpu_milli
        scores = self.score(numbers, self._cpu[numbers] - pod.cpu_milli, left)
        fullest = before if self.prefers_the_fullest else np.zeros_like(before)
        order = np.lexsort((places, fullest, -scores, numbers))
        first = order[np.unique(numbers[order], return_index=True)[1]]
        self._scores[pod][numbers[first]] = scores[first]
        self._devices[pod][numbers[first]] = places[first]

    def _whole(self, number: int, pod: Pod) -> Places:
        return np.flatnonzero(self._left[number] == MILLI)[: pod.gpus]


class BestFit(Published):
    """The least processors and GPUs left over, each as a share of the largest node's."""

    prefers_the_fullest = True

    def score(self, _numbers: Places, cpu: Floats, left: Floats, /) -> Floats:
        gpus = np.where(left > 0, left, 0).sum(axis=1) / (_MOST_GPUS * MILLI)
        return np.floor((1 - 0.5 * cpu / _MOST_CPU - 0.5 * gpus) * 100)


class Fgd(Published):
    """The steepest descent of expected fragmentation under the most frequent pods."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        self._expected, self._shares = typical(trace.pods)

    def score(self, numbers: Places, cpu: Floats, left: Floats, /) -> Floats:
        unique, inverse = np.unique(numbers, return_inverse=True)
        before = self._fragments(self._cpu[unique], self._left[unique])[inverse]
        descent = (before - self._fragments(cpu, left)) / MILLI
        return np.floor(100 / (1 + np.exp(-descent)))

    def _fragments(self, cpu: Floats, left: Floats) -> Floats:
        """Thousandths of GPUs that a pod drawn from the expected ones cannot use, on average."""
        wanted_cpu, milli, gpus = self._expected
        free = np.where(left > 0, left, 0).sum(axis=1)
        is_large = left[:, :, None] >= milli
        is_met = (is_large & (left >= 0)[:, :, None]).sum(axis=1) >= gpus
        is_met &= (cpu[:, None] >= wanted_cpu) & (milli > 0)
        small = np.where(is_large, 0, np.where(left > 0, left, 0)[:, :, None]).sum(axis=1)
        return np.asarray((np.where(is_met, small, free[:, None]) * self._shares).sum(axis=1))


def typical(pods: Sequence[Pod]) -> tuple[tuple[Floats, Floats, Floats], Floats]:
    """Processors, thousandths and GPUs of the pods that make up 95 % of all, and their shares."""
    counts = sorted(Counter(pods).items(), key=lambda one: (one[1], one[0]), reverse=True)
    chosen: list[tuple[Pod, int]] = []
    while sum(count for _, count in chosen) < _TYPICAL_SHARE * len(pods):
        chosen.extend(counts[len(chosen) : len(chosen) + _TYPICAL_STEP])
    columns = np.array([pod for pod, _ in chosen], dtype=np.float64).T
    shares = np.array([count for _, count in chosen], dtype=np.float64)
    return (columns[0], columns[1], columns[2]), shares / shares.sum()


def _is_fraction(pod: Pod) -> bool:
    return pod.gpus == 1 and pod.gpu_milli < MILLI
