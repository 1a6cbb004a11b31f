"""Jobs of Microsoft's Philly cluster: 82,247 of them, from September to December 2017.

Jeon et al., Analysis of Large-Scale Multi-Tenant GPU Clusters (USENIX ATC 2019), reduced to a table by
the authors of Pollux: `simulator/traces/philly.csv` on branch `osdi21-artifact` of github.com/petuum/adaptdl.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks import traces

_SHA256 = "ebffb3dd1589bdf4e7bcd74496201c5ded1d557d498ee14f560463f37ec353da"
_ORIGIN = "simulator/traces/philly.csv of branch osdi21-artifact of github.com/petuum/adaptdl"


class TraceJob(NamedTuple):
    """A job as it was: when it came, and how long it ran on how many GPUs."""

    id: str
    """Sorts as the jobs came."""

    arrived: float
    """Seconds after the first."""

    seconds: float
    gpus: int
    project: str

    @property
    def area(self) -> float:
        """GPU-seconds."""
        return self.seconds * self.gpus


def read(folder: Path) -> list[TraceJob]:
    """The jobs in order of arrival; another file, or none, ends us."""
    found = [
        (
            datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp(),
            float(row["duration"]),
            int(row["num_gpus"]),
            row["cluster"],
        )
        for row in traces.rows(folder, "philly", _SHA256, _ORIGIN)
    ]
    found.sort()
    first = found[0][0]
    return [
        TraceJob(f"{number:06}", arrived - first, seconds, gpus, project)
        for number, (arrived, seconds, gpus, project) in enumerate(found)
    ]


def mean_demand(jobs: list[TraceJob]) -> float:
    """GPUs that the jobs keep busy on average, from the first arrival to the last."""
    return sum(job.area for job in jobs) / jobs[-1].arrived
