"""Kueue's own scenario of CI, live: quotas, borrowing and preemption under a stream of jobs.

`python -m benchmarks.kueue --json` starts a server alone, with durable writes, and nodes whose attempts are
timers. Five cohorts of six projects, each with 20 processors, may borrow 100 more, take back what they are
owed, and stop what is less urgent. Each project submits 350 small, 100 medium and 50 large jobs over HTTP.
Kueue's own run (`test/performance/scheduler`, where a workload is a timer as well) takes 351 s and goes
through a real API server. From the leases in the database it is then shown whether a quota was ever exceeded. `--large` runs Kueue's
larger one after it: ten cohorts of a hundred projects with 50 jobs each, which takes Kueue 1,179 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.timers import COMMAND, run_node
from pileus.sdk import Client
from pileus.worker.http_link import HttpServerLink

NOMINAL, BORROWING = 20, 100
NODES = 10
"""Together they have more than all quotas, so that only quotas hold jobs back."""

LOADERS = 30
"""Clients that submit at once, each for some of the projects."""


class Class(NamedTuple):
    """Jobs that are alike, and how often one is submitted."""

    name: str
    number: int
    cpu: int
    seconds: float
    priority: int
    every_seconds: float


class Scenario(NamedTuple):
    """Cohorts of so many projects, what each of those submits, and how long Kueue takes."""

    cohorts: int
    queues: int
    classes: tuple[Class, ...]
    kueue_seconds: int

    @property
    def projects(self) -> int:
        return self.cohorts * self.queues

    @property
    def workloads(self) -> int:
        return self.projects * sum(kind.number for kind in self.classes)

    def times(self, factor: float) -> Scenario:
        """The same with so many times as many jobs."""
        classes = [one._replace(number=round(one.number * factor)) for one in self.classes]
        return self._replace(classes=tuple(classes))


BASELINE = Scenario(
    5,
    6,
    (
        Class("small", 350, 1, 0.2, 50, 0.1),
        Class("medium", 100, 5, 0.5, 100, 0.5),
        Class("large", 50, 20, 1.0, 200, 1.2),
    ),
    351,
)
LARGE = Scenario(
    10,
    100,
    (
        Class("small", 35, 1, 0.15, 50, 0.02),
        Class("medium", 11, 5, 0.35, 100, 0.05),
        Class("large", 4, 20, 0.7, 200, 0.2),
    ),
    1179,
)
"""How often it submits is that of another release of Kueue's configuration: its own is not told."""


class Held(NamedTuple):
    """A lease, as the database has it."""

    project: str
    cpu: int
    since: int
    """Microseconds, as the next one."""

    until: int


def violations(leases: Iterable[Held], cohorts: dict[str, str]) -> int:
    """How many leases were granted beyond a quota: of a project with what it may borrow, or of all
    projects of its cohort together. `cohorts` tells that of each project."""
    members: dict[str, int] = defaultdict(int)
    for cohort in cohorts.values():
        members[cohort] += 1
    # At one instant what is released comes first: a lease follows from it.
    changes = [(one.until, 0, -one.cpu, one.project) for one in leases]
    changes += [(one.since, 1, one.cpu, one.project) for one in leases]
    of_project: dict[str, int] = defaultdict(int)
    of_cohort: dict[str, int] = defaultdict(int)
    found = 0
    for _, _, cpu, project in sorted(changes):
        cohort = cohorts[project]
        of_project[project] += cpu
        of_cohort[cohort] += cpu
        is_beyond = of_project[project] > NOMINAL + BORROWING
        is_beyond = is_beyond or of_cohort[cohort] > NOMINAL * members[cohort]
        found += cpu > 0 and is_beyond
    return found


def schedule(classes: Sequence[Class]) -> list[tuple[float, Class]]:
    """When a project submits a job of which class."""
    due = [(n * kind.every_seconds, kind) for kind in classes for n in range(kind.number)]
    return sorted(due, key=lambda one: one[0])


def submit(clients: Sequence[Client], classes: Sequence[Class], stop: threading.Event) -> None:
    """Submit all jobs of some projects, each at its time or as soon as the server keeps up."""
    started = time.monotonic()
    for (at, kind), client in product(schedule(classes), clients):
        if stop.wait(max(0.0, started + at - time.monotonic())):
            return
        client.jobs.submit(
            {
                "kind": "command",
                "name": kind.name,
                "command": [COMMAND, str(kind.seconds)],
                "resources": {"cpu": kind.cpu, "memory_mib": 1},
                "priority": kind.priority,
            }
        )


@contextmanager
def server(home: Path) -> Iterator[str]:
    """The URL of a server without worker and gateway."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    words = [sys.executable, "-m", "pileus", "--home", str(home), "server", "--port", str(port)]
    with (home.parent / "server.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        _wait_for(home / "run" / "tokens.json", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(written: Path, process: subprocess.Popen[bytes]) -> None:
    """A server that starts leaves its tokens; what is asked before it listens waits."""
    while not written.exists():
        if process.poll() is not None:
            sys.exit(f"the server ended with {process.returncode}")
        time.sleep(0.05)


@contextmanager
def nodes(url: str, home: Path, cpus: int) -> Iterator[None]:
    """Nodes of timers with so many processors each, in a thread of their own."""
    token = (home / "run" / "worker.token").read_text().strip()
    stop = threading.Event()

    async def run() -> None:
        async with HttpServerLink(url, lambda: token) as link:
            tasks = [asyncio.create_task(run_node(link, f"n{i}", cpus)) for i in range(NODES)]
            await asyncio.to_thread(stop.wait)
            for task in tasks:
                task.cancel()
            for error in await asyncio.gather(*tasks, return_exceptions=True):
                if not isinstance(error, asyncio.CancelledError):
                    print(f"a node has ended: {error!r}", file=sys.stderr)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Queue(NamedTuple):
    """A project with a quota: what Kueue calls a ClusterQueue."""

    name: str
    project: str
    token: str
    cohort: str


def prepare(url: str, home: Path, scenario: Scenario) -> list[Queue]:
    """Make the projects, and set their quotas."""
    token = json.loads((home / "run" / "tokens.json").read_text())["default"]
    limit = {"nominal": NOMINAL * 1000, "borrowing": BORROWING * 1000}
    found = []
    with Client(url, token) as operator:
        for number in range(scenario.projects):
            name, cohort = f"queue-{number}", f"cohort-{number % scenario.cohorts}"
            made = operator.projects.create(name)
            terms = {"cohort": cohort, "limits": {"cpu_milli": limit}}
            operator.quotas.set(name, {**terms, "reclaim": "any", "preempt": "lower"})
            found.append(Queue(name, made["project"]["id"], made["token"], cohort))
    return found


def run(directory: Path, scenario: Scenario, limit_seconds: float) -> dict[str, Any]:
    """The whole scenario, and what the database tells of it; without `seconds` where time ran out."""
    home = directory / "home"
    cpus = 2 * NOMINAL * scenario.projects // NODES
    with server(home) as url:
        queues = prepare(url, home, scenario)
        wanted = scenario.workloads
        database = sqlite3.connect(f"file:{home / 'state' / 'pileus.db'}?mode=ro", uri=True)
        stop = threading.Event()

        def load(some: Sequence[Queue]) -> None:
            with ExitStack() as stack:
                clients = [
                    stack.enter_context(Client(url, queue.token, queue.name, patience_seconds=60))
                    for queue in some
                ]
                submit(clients, scenario.classes, stop)

        with nodes(url, home, cpus), ThreadPoolExecutor(LOADERS) as pool:
            loads = [pool.submit(load, queues[first::LOADERS]) for first in range(LOADERS)]
            deadline = time.monotonic() + limit_seconds
            while _succeeded(database) < wanted and time.monotonic() < deadline:
                time.sleep(0.25)
            stop.set()
            for one in loads:
                one.result()
        cohorts = {queue.project: queue.cohort for queue in queues}
        found = figures(database, cohorts)
        if found["succeeded"] < wanted:
            found["seconds"] = None
        return {"workloads": wanted, **found}


def _succeeded(database: sqlite3.Connection) -> int:
    done = database.execute("select count(*) from job where status = 'succeeded'")
    return int(done.fetchone()[0])


def figures(database: sqlite3.Connection, cohorts: dict[str, str]) -> dict[str, Any]:
    """From the first submit to the last end, and how long jobs of each class waited for a lease."""
    first, last = database.execute("select min(created_at), max(ended_at) from job").fetchone()
    seconds = None if last is None else round((last - first) / 1e6, 1)
    rows = database.execute("select project, resources, created_at, released_at from lease")
    never = 2**63
    held = [
        Held(project, round(json.loads(resources)["cpu"]), since, until or never)
        for project, resources, since, until in rows
    ]
    admitted = database.execute(
        "select job.name, min(lease.created_at) - job.created_at from job"
        " join lease on lease.job = job.id group by job.id"
    )
    waited: dict[str, list[float]] = defaultdict(list)
    for name, microseconds in admitted:
        waited[name].append(microseconds / 1e6)
    stopped = database.execute("select count(*) from attempt where status = 'stopped'")
    done = _succeeded(database)
    return {
        "seconds": seconds,
        "violations": violations(held, cohorts),
        "succeeded": done,
        "admissions_per_s": round(len(held) / seconds, 1) if seconds else None,
        "preempted": stopped.fetchone()[0],
        **{f"{name}_wait_mean_s": round(statistics.mean(s), 2) for name, s in waited.items()},
    }


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-queue", type=float, default=1.0, help="so many times as many jobs")
    parser.add_argument("--large", action="store_true", help="Kueue's larger scenario as well")
    parser.add_argument("--limit-seconds", type=float, default=1200.0, help="then give up")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    found: dict[str, Any] = {}
    scenarios = {"baseline": BASELINE} | ({"large": LARGE} if given.large else {})
    for name, scenario in scenarios.items():
        with tempfile.TemporaryDirectory(prefix="pileus-kueue-") as directory:
            ran = run(Path(directory), scenario.times(given.per_queue), given.limit_seconds)
        found[f"{name}_s"] = ran.pop("seconds")
        found[f"kueue_{name}_s"] = scenario.kueue_seconds
        found["violations"] = found.get("violations", 0) + ran.pop("violations")
        found[name] = ran
    found |= {
        "per_queue": given.per_queue,
        "kueue": "of the whole scenarios, through a real API server",
        "load_average": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}",
    }
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
