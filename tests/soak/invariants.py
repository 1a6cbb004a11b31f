"""What must hold of an installation whatever died: jobs, blobs, meters, ledger, leases."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections import Counter
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.e2e.installation import Installation, until
from tests.soak.story import Story

SETTLE_SECONDS = 60.0


def check(story: Story) -> None:
    """Every invariant, once the installation has come to rest."""
    installation = story.installation
    jobs = story.ended()
    check_jobs(story, jobs)
    check_meters(story)
    until(lambda: not leftovers(installation), SETTLE_SECONDS, 0.3)
    rows = Rows(installation.home / "state" / "pileus.db")
    check_attempts(rows)
    check_ledger(rows)
    check_versions(story)
    check_blobs(installation, rows)
    check_keys(story, rows)
    check_restored(story)


def check_jobs(story: Story, jobs: list[dict[str, Any]]) -> None:
    """Each job that was acknowledged ended right, and none ran twice at once."""
    status = {job["id"]: job["status"] for job in jobs}
    reasons = {job["id"]: job["reason"] for job in jobs}
    for job in story.seen.jobs:
        assert status.get(job) == "succeeded", f"{job} {status.get(job)}: {reasons.get(job)}"
    for marker in story.seen.markers:
        assert not marker.with_name(f"{marker.name}.twice").exists(), "two attempts at once"
        assert marker.with_name(f"{marker.name}.done").exists()


def check_meters(story: Story) -> None:
    """answered <= metered <= answered + in flight at kills."""

    def metered() -> int:
        with story.installation.client() as client:
            lines = client.bill.invoice()["lines"]
        return sum(line["quantity"] for line in lines if line["resource"] == "prediction")

    seen = story.seen
    until(lambda: metered() >= seen.answered, SETTLE_SECONDS, 0.3)
    time.sleep(3.0)  # what would be counted twice arrives within a shipment or two
    assert seen.answered <= metered() <= seen.answered + seen.unanswered, seen


def check_attempts(rows: Rows) -> None:
    """Nothing holds a lease, and attempts of one job followed each other."""
    assert not rows.of("select id from lease where released_at is null")
    final = {"succeeded", "failed", "stopped"}
    spans: dict[str, list[tuple[int, int]]] = {}
    for attempt in rows.of("select * from attempt"):
        assert attempt["status"] in final, dict(attempt)
        spans.setdefault(attempt["job"], []).append((attempt["created_at"], attempt["ended_at"]))
    for job, times in spans.items():
        ordered = sorted(times)
        for (_, end), (begin, _) in pairwise(ordered):
            assert end <= begin, f"attempts of {job} overlap: {ordered}"


def check_ledger(rows: Rows) -> None:
    """Entries are posted once, and processor time equals the leases that held it."""
    entries = rows.of("select * from ledger_entry")
    key = Counter((e["source"], e["sequence"], e["resource"], e["subject"]) for e in entries)
    assert max(key.values(), default=1) == 1
    used: Counter[str] = Counter()
    for entry in entries:
        if entry["resource"] == "cpu":
            used[entry["source"]] += entry["quantity"]
    for lease in rows.of("select * from lease"):
        held_ms = (lease["metered_until"] - lease["created_at"]) // 1000
        assert used.pop(lease["id"], 0) == held_ms, dict(lease)
    assert not used, "entries of leases that never were"


def check_versions(story: Story) -> None:
    """What a client was told to be there is there, whole."""
    for number, (version, rows) in enumerate(story.seen.versions.items(), start=1):
        target = story.installation.directory / f"export-{number}-{time.monotonic_ns()}"
        story.installation.cli("dataset", "export", version, str(target))
        lines = [
            line
            for path in target.rglob("*.csv")
            for line in path.read_text("utf-8").splitlines()
            if line and not line.startswith("a,b")
        ]
        assert len(lines) == rows, f"{version}: {len(lines)} of {rows} rows"


def check_blobs(installation: Installation, rows: Rows) -> None:
    """Every blob that is recorded has the bytes of its name; nothing is half-written."""
    incoming = installation.home / "blobs" / "incoming"
    assert not [path for path in incoming.iterdir() if path.stat().st_mtime < time.time() - 5]
    with installation.client() as client:
        for blob in rows.of("select digest from blob"):
            data = client.blobs.get(blob["digest"])
            assert hashlib.sha256(data).hexdigest() == blob["digest"]


def check_keys(story: Story, rows: Rows) -> None:
    """What was shredded is gone, and what was said to be encrypted is."""
    blobs = story.installation.home / "blobs"
    for project in story.seen.shredded:
        assert not [path for path in (blobs / project).rglob("*") if path.is_file()]
        assert not rows.of(f"select * from blob where project = '{project}'")
        keys = rows.of(f"select * from project_key where project = '{project}'")
        assert keys
        assert not [key["id"] for key in keys if key["wrapped"] is not None]
    if story.seen.is_all_encrypted:
        files = [path for path in blobs.rglob("*") if path.is_file()]
        assert not [path for path in files if path.suffix != ".enc"]
    assert not (story.installation.home / "keys" / "master.key.next").exists()


def check_restored(story: Story) -> None:
    """A home that was made of a backup is there whole, with what had been acknowledged."""
    for one in story.seen.restored:
        rows = Rows(one.home / "state" / "pileus.db")
        assert {row["id"] for row in rows.of("select id from dataset_version")} >= one.versions
        assert {row["id"] for row in rows.of("select id from job")} >= one.jobs
        assert not list(one.home.parent.glob(f".{one.home.name}.*"))


def check_nothing_half_written(story: Story) -> None:
    """After one more start, no file waits for its name."""
    story.again()
    home = story.installation.home
    environments = home / "worker" / "environments"
    assert not list(environments.glob(".*"))
    waiting = (
        path
        for path in home.rglob(".*")
        # What is in a built environment is named by those whose code it is.
        if path.is_file() and environments not in path.parents
    )
    assert not [path for path in waiting if path.stat().st_mtime < time.time() - 5]


def leftovers(installation: Installation) -> list[str]:
    """Work that is not at rest yet: attempts on the node, records and meters to be shipped."""
    found = [path.name for path in (installation.home / "worker" / "attempts").iterdir()]
    found += [path.name for path in (installation.home / "gateway").glob("segments/*/*.sealed")]
    found += [path.name for path in (installation.home / "gateway").glob("meters/*.new")]
    return found


class Rows:
    """The database's rows, read beside the server."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, query: str) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query).fetchall()
