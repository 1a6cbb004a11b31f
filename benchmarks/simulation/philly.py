"""Jobs of Microsoft's Philly cluster: 82,247 of them, from September to December 2017.

Jeon et al., Analysis of Large-Scale Multi-Tenant GPU Clusters (USENIX ATC 2019), reduced to a table by
the authors of Pollux: `simulator/traces/philly.csv` on branch `osdi21-artifact` of github.com/petuum/adaptdl.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

_SHA256 = "ebffb3dd1589bdf4e7bcd74496201c5ded1d557d498ee14f560463f37ec353da"


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
    rows = [
        (
            datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp(),
            float(row["duration"]),
            int(row["num_gpus"]),
            row["cluster"],
        )
        for row in csv.DictReader(io.StringIO(_content(folder).decode()))
    ]
    rows.sort()
    first = rows[0][0]
    return [
        TraceJob(f"{number:06}", arrived - first, seconds, gpus, project)
        for number, (arrived, seconds, gpus, project) in enumerate(rows)
    ]


def mean_demand(jobs: list[TraceJob]) -> float:
    """GPUs that the jobs keep busy on average, from the first arrival to the last."""
    return sum(job.area for job in jobs) / jobs[-1].arrived


def _content(folder: Path) -> bytes:
    plain, packed = folder / "philly.csv", folder / "philly.csv.gz"
    if plain.exists():
        content = plain.read_bytes()
    elif packed.exists():
        content = gzip.decompress(packed.read_bytes())
    else:
        sys.exit(
            f"{str(plain)!r} is missing. Fetch simulator/traces/philly.csv of branch osdi21-artifact"
            " of github.com/petuum/adaptdl and give its folder with --trace"
        )
    found = hashlib.sha256(content).hexdigest()
    if found != _SHA256:
        sys.exit(f"'philly.csv' is not the file that was measured before: its SHA-256 is {found}")
    return content
