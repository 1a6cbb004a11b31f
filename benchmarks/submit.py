"""From a submit to the job's first line, and how many jobs a second one node gets through.

`python -m benchmarks.submit --json` starts an installation, and over HTTP submits one command after the
other: the time until the submit is acknowledged, and until the first line that the command printed has
come back. The same for trainings, which the warm process with torch forks, and which say a line when they have
read their data and held rows back. Then eight clients submit commands that do nothing, each one POST and one
process, until all have ended. Beside it, what a process costs here without us: `python -c pass`, and a fork;
and what Ray Jobs took to the first line of user code on two cores, measured once, with the cluster up.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.installation import installation
from pileus.sdk import Client

_CLIENTS = 8
_RAY_JOBS_MS = 930
_PROBES = 50
_LINE = {"kind": "command", "command": ["echo", "hello"], "resources": {"cpu": 0.001}}
_TRAINING = {
    "kind": "train",
    "recipe": "logistic-regression",
    "dataset": "digits",
    "config": {"epochs": 1},
}
_NOTHING = {"kind": "command", "command": ["true"], "resources": {"cpu": 0.001, "memory_mib": 1}}


def first_lines(client: Client, runs: int) -> tuple[list[float], list[float]]:
    """Milliseconds until each submit was acknowledged, and until its first line was here."""
    acknowledged, seen = [], []
    for _ in range(runs):
        started = time.perf_counter()
        job = client.jobs.submit(_LINE)["id"]
        acknowledged.append((time.perf_counter() - started) * 1000)
        line = next(client.jobs.follow_logs(job))
        seen.append((time.perf_counter() - started) * 1000)
        if line != b"hello\n":
            sys.exit(f"job {job} printed {line!r}")
    return acknowledged, seen


def training_lines(client: Client, runs: int) -> list[float]:
    """Milliseconds until the first line of each training was here, each alone."""
    seen = []
    for _ in range(runs):
        started = time.perf_counter()
        job = client.jobs.submit(_TRAINING)["id"]
        line = next(client.jobs.follow_logs(job), b"")
        seen.append((time.perf_counter() - started) * 1000)
        ended = client.jobs.wait(job)
        if ended["status"] != "succeeded":
            sys.exit(f"training {job} said {line!r}, and has {ended['status']}: {ended['reason']}")
    return seen


def jobs_per_second(home: Path, jobs: int) -> float:
    """From the first submit of eight clients until the last of their jobs has ended."""
    started = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        count = sum(pool.map(lambda _: _burst(home, jobs), range(_CLIENTS)))
    with Client.from_home(home) as client:
        while any(next(client.jobs.list(status=s), None) for s in ("queued", "running")):
            time.sleep(0.05)
        took = time.perf_counter() - started
        failed = [job["id"] for job in client.jobs.list(status="failed")]
    if failed:
        sys.exit(f"{len(failed)} jobs failed, {failed[0]} among them")
    return count / took


def _burst(home: Path, jobs: int) -> int:
    with Client.from_home(home) as client:
        for _ in range(jobs):
            client.jobs.submit(_NOTHING)
    return jobs


def milliseconds(command: list[str]) -> float:
    """The median of a few runs."""
    found = []
    for _ in range(_PROBES):
        started = time.perf_counter()
        subprocess.run(command, check=True)
        found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found)


def fork_milliseconds() -> float:
    """A fork of this process that ends at once."""
    found = []
    for _ in range(_PROBES):
        started = time.perf_counter()
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found)


def measure(runs: int, jobs: int, trainings: int) -> dict[str, Any]:
    """Every figure of one installation."""
    with tempfile.TemporaryDirectory(prefix="pileus-submit-") as name:
        directory = Path(name)
        with installation(directory) as pileus:
            sample = [*pileus, "dataset", "create", "digits", "sample:digits"]
            subprocess.run(sample, check=True, capture_output=True)
            home = directory / "home"
            with Client.from_home(home) as client:
                first_lines(client, 5)  # what only the first ones pay
                acknowledged, seen = first_lines(client, runs)
                training_lines(client, 1)  # imports torch
                of_trainings = training_lines(client, trainings)
            rate = jobs_per_second(home, jobs)
    return {
        "first_line_p50_ms": round(statistics.median(seen), 1),
        "first_line_p99_ms": round(statistics.quantiles(seen, n=100, method="inclusive")[98], 1),
        "ack_p50_ms": round(statistics.median(acknowledged), 1),
        "jobs_per_s": round(rate, 1),
        "torch_line_p50_ms": round(statistics.median(of_trainings), 1),
        "ray_jobs_noted_ms": _RAY_JOBS_MS,
        "python_pass_ms": round(milliseconds([sys.executable, "-c", "pass"]), 1),
        "fork_ms": round(fork_milliseconds(), 1),
        "load_average": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}",
    }


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="jobs, one after the other")
    parser.add_argument("--jobs", type=int, default=100, help="of each of the eight clients")
    parser.add_argument("--trainings", type=int, default=20, help="with the warm torch process")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    print(
        json.dumps(
            measure(given.runs, given.jobs, given.trainings), indent=None if given.json else 2
        )
    )


if __name__ == "__main__":
    main()
