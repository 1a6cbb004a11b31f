"""Looks at the database while everything happens: what must hold at each moment holds at this one."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from tests.soak.invariants import check_ledger
from tests.soak.rows import Rows

_PAUSE_SECONDS = 0.4
_LEDGER_LOOKS = 10
"""The ledger is summed up at each of so many looks: it is all rows of it."""

_JOBS = (
    "select id, project, name, status, reason, attempts, failures, started_at, ended_at, cause,"
    " summary from job"
)
_HELD = (
    "select lease.project, lease.job, lease.node, lease.attempt, lease.resources, attempt.status"
    " from lease join attempt on attempt.id = lease.attempt where lease.released_at is null"
)
_ATTEMPTS = "select id, job, status, ended_at, exit from attempt"
_FINAL = {"succeeded", "failed", "cancelled"}
_LIVE = {"granted", "running", "suspect"}


@dataclass
class Watcher:
    """What it saw; `check` raises what should not have been."""

    rows: Callable[[], Rows]
    most_cpu: Mapping[str, int]
    """Project → thousandths of processors that it may hold at any moment."""

    most_together: int
    """What all of them may hold."""

    looks: int = 0
    open: int = 0
    """Jobs that have not ended."""

    given_up: dict[str, int] = field(default_factory=dict)
    """Attempt → when, on the monotonic clock in ns, it was seen to have ended."""

    peak_cpu: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    _ended: dict[str, Any] = field(default_factory=dict)
    """Jobs and attempts with a final status, as they were when that was first seen."""

    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="watcher")
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Once, at all."""
        with closing(self.rows()) as rows:
            self._look(rows)

    def _run(self) -> None:
        try:
            while not self._over.wait(_PAUSE_SECONDS):
                self.look()
        except Exception:  # noqa: BLE001  whoever waits for us raises it
            self.troubles.append(traceback.format_exc())

    def _look(self, rows: Rows) -> None:
        jobs = {row["id"]: dict(row) for row in rows.of(_JOBS)}
        attempts = {row["id"]: dict(row) for row in rows.of(_ATTEMPTS)}
        held = [dict(row) for row in rows.of(_HELD)]
        nodes = {row["id"]: json.loads(row["capacity"]) for row in rows.of("select * from node")}
        if self.looks % _LEDGER_LOOKS == 0:
            check_ledger(rows)
        now = time.monotonic_ns()
        self.looks += 1
        self._check_ends({**jobs, **attempts})
        _check_leases(jobs, attempts, held)
        self._check_amounts(held, nodes)
        self.open = sum(job["status"] not in _FINAL for job in jobs.values())
        for id_, attempt in attempts.items():
            if attempt["status"] not in _LIVE:
                self.given_up.setdefault(id_, now)

    def _check_ends(self, found: Mapping[str, Any]) -> None:
        for id_, row in self._ended.items():
            assert found.get(id_) == row, f"{row} had ended, and is {found.get(id_)}"
        for id_, row in found.items():
            if row["status"] not in _LIVE | {"waiting", "queued"}:
                self._ended.setdefault(id_, row)

    def _check_amounts(
        self, held: list[dict[str, Any]], nodes: Mapping[str, Mapping[str, int]]
    ) -> None:
        of_project, of_node = Counter[str](), Counter[str]()
        for lease in held:
            cpu_milli = round(json.loads(lease["resources"])["cpu"] * 1000)
            of_project[lease["project"]] += cpu_milli
            of_node[lease["node"]] += cpu_milli
        for project, most in self.most_cpu.items():
            assert of_project[project] <= most, f"{project} holds {of_project[project]} of {most}"
        assert of_project.total() <= self.most_together, f"all hold {of_project}"
        for node, cpu_milli in of_node.items():
            assert cpu_milli <= nodes[node]["cpu_milli"], f"{node} gives {cpu_milli}"
        self.peak_cpu |= of_project


def _check_leases(
    jobs: Mapping[str, Any], attempts: Mapping[str, Any], held: list[dict[str, Any]]
) -> None:
    """Whatever lives holds one lease, whatever does not holds none, and one attempt of a job lives."""
    live = Counter(one["job"] for one in attempts.values() if one["status"] in _LIVE)
    assert not [job for job, number in live.items() if number > 1], f"two attempts at once: {live}"
    assert {job["id"] for job in jobs.values() if job["status"] == "running"} == set(live)
    leased = {lease["attempt"] for lease in held}
    assert leased == {one["id"] for one in attempts.values() if one["status"] in _LIVE}
