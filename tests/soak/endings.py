"""How each job may have ended, by what was asked for, what was done to it, and what it left."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pileus.core.errors import NotFound
from pileus.sdk import Client
from tests.soak.crowd import Asked
from tests.soak.fences import WORD, Trace
from tests.soak.invariants import check_attempts, check_blobs, check_ledger, check_storage
from tests.soak.rows import Rows

_MOST_READ = 300
"""Blobs, and logs and artifacts of jobs, that are read back: each takes a call or more."""


def check_ends(
    asked: Sequence[Asked],
    rows: Rows,
    traces: Mapping[str, Sequence[Trace]],
    given_up: Mapping[str, int],
) -> None:
    """Every job is there, once, and has ended as it may; nothing ran that had no lease, or too long.

    `given_up` is when each attempt was seen to have ended.
    """
    jobs = _by_name(rows)
    attempts = defaultdict(list)
    for attempt in rows.of("select id, job, number, status from attempt order by job, number"):
        attempts[attempt["job"]].append(attempt["id"])
    assert jobs.keys() <= {one.label for one in asked}
    for one in asked:
        if one.id is None and one.label not in jobs:
            continue  # never taken, and nobody was told otherwise
        job = jobs[one.label]
        assert one.id in {None, job["id"]}, f"{one.label} is another job than was said"
        assert one.seen in {None, job["status"]}, f"{one.label} was {one.seen}: {job}"
        left = traces.get(one.label, ())
        own = attempts[job["id"]]
        ran = [trace.attempt for trace in left]
        assert ran == [attempt for attempt in own if attempt in ran], f"{one.label}: {ran} of {own}"
        check_in_time(left, given_up)
        _check_end(one, job, left, own, jobs)


def check_in_time(traces: Iterable[Trace], given_up: Mapping[str, int]) -> None:
    """Each had ended before the database said so, whatever it was that ended it."""
    for trace in traces:
        late_ms = (trace.last_ns - given_up.get(trace.attempt, trace.last_ns)) / 1e6
        assert late_ms <= 0, f"{trace.attempt} ran for {late_ms} ms after it was given up"


def check_rest(
    home: Path, rows: Rows, clients: Mapping[str, Client], asked: Sequence[Asked]
) -> None:
    """What the last state says: no lease, no debt, and all that clients were told."""
    check_attempts(rows)
    check_ledger(rows)
    check_storage(rows)
    check_blobs(home, rows, lambda project, digest: clients[project].blobs.get(digest), _MOST_READ)
    _check_heard(rows, clients, asked)


def check_nothing_left(home: Path) -> None:
    """After one more start, nothing waits for its name, and nothing is left of what has ended."""
    assert not list((home / "streams").iterdir())
    hidden = (path for path in home.rglob(".*") if path.is_file())
    assert not [path for path in hidden if path.stat().st_mtime < time.time() - 5]


def check_logs(homes: Iterable[Path]) -> None:
    """Whatever was killed, no process met what it has no word for."""
    for path in (path for home in homes for path in (home / "logs").glob("*.jsonl*")):
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        errors = [line for line in lines if line["level"] in {"error", "critical"}]
        assert not errors, f"{path} tells of {len(errors)} errors: {errors[:3]}"


def _by_name(rows: Rows) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows.of("select * from job"):
        assert row["name"] not in found, f"{row['name']} was submitted once and is there twice"
        found[row["name"]] = dict(row)
    return found


def _check_end(
    one: Asked,
    job: Mapping[str, Any],
    traces: Sequence[Trace],
    own: Sequence[str],
    jobs: Mapping[str, Mapping[str, Any]],
) -> None:
    reason = str(job["reason"])
    assert job["failures"] <= one.max_attempts, f"{one.label} was tried too often: {job}"
    assert job["attempts"] == len(own)
    if job["status"] == "succeeded":
        assert one.code == 0, f"{one.label} has succeeded: {job}"
        assert not one.is_slow, f"{one.label} has succeeded: {job}"
        last = traces[-1]
        assert (last.attempt, last.has_ended) == (own[-1], True), f"{one.label} did not run: {job}"
    elif job["status"] == "failed":
        is_own = one.code != 0 and reason == f"Exited with code {one.code}"
        is_late = one.is_slow and reason.startswith("Stopped after its timeout")
        is_last = job["failures"] == one.max_attempts and "this was the last of" in reason
        assert is_own or is_late or is_last, f"{one.label} has failed: {job}"
    else:
        assert job["status"] == "cancelled", f"{one.label} has not ended: {job}"
        cause = json.loads(job["cause"]) if job["cause"] else None
        assert one.is_cancelled or _was_let_down(one, cause, jobs), f"{one.label}: {job}"
    _check_need(one, job, traces, jobs)


def _was_let_down(
    one: Asked, cause: Mapping[str, Any] | None, jobs: Mapping[str, Mapping[str, Any]]
) -> bool:
    if one.need is None or cause is None or cause["need"] != one.need.id:
        return False
    # With `any` an end without an artifact is one that is missing.
    ends = {"need_failed": "failed", "need_cancelled": "cancelled"}
    status = jobs[one.need.label]["status"]
    expected = ends.get(cause["kind"])
    return bool(status == expected if expected else one.reads and status != "succeeded")


def _check_need(
    one: Asked,
    job: Mapping[str, Any],
    traces: Sequence[Trace],
    jobs: Mapping[str, Mapping[str, Any]],
) -> None:
    if one.need is None or not traces:
        return
    need = jobs[one.need.label]
    assert need["ended_at"] <= job["started_at"], f"{one.label} began before what it needs"
    if one.spec["needs_on"] == "success":
        assert need["status"] == "succeeded", f"{one.label} ran, and {one.need.label} failed"


def _check_heard(rows: Rows, clients: Mapping[str, Client], asked: Sequence[Asked]) -> None:
    """What clients are told is what is there: each job, and of one that succeeded what it said."""
    jobs = _by_name(rows)
    told = {job["id"]: job["status"] for client in clients.values() for job in client.jobs.list()}
    assert told == {job["id"]: job["status"] for job in jobs.values()}
    done = [one for one in asked if jobs.get(one.label, {}).get("status") == "succeeded"]
    for one in done[:: 1 + len(done) // _MOST_READ]:
        job = jobs[one.label]
        client = clients[job["project"]]
        try:
            assert client.jobs.artifact(job["id"], WORD).decode() == one.label
            words = client.jobs.logs(job["id"]).decode().split()
        except NotFound as error:
            raise AssertionError(f"{one.label} has left nothing: {error}") from error
        assert words[:1] == [one.label], f"{one.label} said {words}"
        assert len(words) == 2
