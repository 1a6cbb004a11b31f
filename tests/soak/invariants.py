"""What must hold of an installation whatever died: jobs, blobs, meters, ledger, leases."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from pileus.cli.export import export_items
from pileus.worker.secrets import memory_directory
from tests.e2e.installation import Installation, until
from tests.soak.rows import Rows, SqliteRows
from tests.soak.story import Story

SETTLE_SECONDS = 60.0


def check(story: Story) -> None:
    """Every invariant, once the installation has come to rest."""
    installation = story.installation
    jobs = story.ended()
    check_jobs(story, jobs)
    check_meters(story)
    until(lambda: not leftovers(installation), SETTLE_SECONDS, 0.3)
    with closing(SqliteRows(installation.home / "state" / "pileus.db")) as rows:
        check_attempts(rows)
        check_ledger(rows)
        check_storage(rows)
        check_records(story, rows)
        with installation.client() as client:
            check_blobs(installation.home, rows, lambda _, digest: client.blobs.get(digest))
        check_keys(story, rows)
    check_versions(story)
    check_restored(story)
    check_secrets(story)
    check_copies(story)


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
    """Entries are posted once, and are of what leases held and gateways counted, to the unit; the
    money is what the prices make of them, to the fraction that is carried."""
    entries = rows.of("select * from ledger_entry")
    key = Counter((e["source"], e["sequence"], e["resource"], e["subject"]) for e in entries)
    assert max(key.values(), default=1) == 1
    posted: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if entry["resource"] != "storage":
            posted[entry["source"], entry["resource"]] += entry["quantity"]
    due: Counter[tuple[str, str]] = Counter()
    for lease in rows.of("select * from lease"):
        held_ms = (lease["metered_until"] - lease["created_at"]) // 1000
        held = json.loads(lease["resources"])
        due[lease["id"], "cpu"] = held_ms * round(held["cpu"] * 1000) // 1000
        due[lease["id"], "memory"] = held_ms * held["memory_mib"] // 1000
    for counter in rows.of("select * from meter_counter"):
        source = f"{counter['source']}:{counter['slot']}"
        due[source, "prediction"] += counter["predictions"]
        due[source, "bytes_in"] += counter["bytes_in"]
        due[source, "bytes_out"] += counter["bytes_out"]
    assert +posted == +due

    prices = {price["id"]: price for price in rows.of("select * from price")}
    paid: Counter[tuple[str, str]] = Counter()
    owed: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        price = prices[entry["price"]]
        paid[entry["project"], price["id"]] += entry["amount_micro"] * 10 ** price["exponent"]
        owed[entry["project"], price["id"]] += entry["quantity"] * price["micro"]
    for carry in rows.of("select * from carry"):
        paid[carry["project"], carry["price"]] += carry["remainder"]
    assert +paid == +owed


def check_storage(rows: Rows) -> None:
    """What is charged for from now on is what is stored."""
    stored = {
        row["project"]: row["size"]
        for row in rows.of(
            "select project, sum(size) as size from blob where freed_at is null group by project"
        )
    }
    charged = {
        meter["project"]: meter["bytes"]
        for meter in rows.of("select * from storage_meter where bytes > 0")
    }
    assert charged == stored


def check_records(story: Story, rows: Rows) -> None:
    """answered <= stored + dropped <= metered, and no record is stored twice."""
    ids: list[str] = []
    with story.installation.client() as client:
        for segment in rows.of("select digest from record_segment"):
            lines = client.blobs.get(segment["digest"]).splitlines()
            records = [json.loads(line) for line in lines]
            ids += [record["id"] for record in records if record["outcome"] == "ok"]
    (counted,) = rows.of("select coalesce(sum(predictions), 0) as n from meter_counter")
    assert len(set(ids)) == len(ids)
    seen = story.seen
    assert seen.answered <= len(ids) + seen.dropped <= counted["n"], (len(ids), seen, counted["n"])


def check_versions(story: Story) -> None:
    """What a client was told to be there is there, whole."""
    with story.installation.client() as client:
        for version, rows in story.seen.versions.items():
            target = story.installation.directory / f"export-{time.monotonic_ns()}"
            export_items(client, client.datasets.version(version), target)
            lines = [
                line
                for path in target.rglob("*.csv")
                for line in path.read_text("utf-8").splitlines()
                if line and not line.startswith("a,b")
            ]
            assert len(lines) == rows, f"{version}: {len(lines)} of {rows} rows"


def check_blobs(
    home: Path, rows: Rows, content: Callable[[str, str], bytes], most: int = 1_000_000
) -> None:
    """Every blob that is recorded, of at most so many, has the bytes of its name; nothing is
    half-written.

    `content` gives what a client reads, by project and digest.
    """
    incoming = home / "blobs" / "incoming"
    assert not [path for path in incoming.iterdir() if path.stat().st_mtime < time.time() - 5]
    for blob in rows.of(f"select project, digest from blob order by digest limit {most}"):
        data = content(blob["project"], blob["digest"])
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
        with closing(SqliteRows(one.home / "state" / "pileus.db")) as rows:
            assert {row["id"] for row in rows.of("select id from dataset_version")} >= one.versions
            assert {row["id"] for row in rows.of("select id from job")} >= one.jobs
        assert not list(one.home.parent.glob(f".{one.home.name}.*"))


def check_secrets(story: Story) -> None:
    """No file of the home says which secret a job was given, nor is one left in memory."""
    home = story.installation.home
    needles = [secret.encode() for secret in story.seen.secrets]
    for path in home.rglob("*") if needles else ():
        with suppress(FileNotFoundError, IsADirectoryError):  # some go while we look
            content = path.read_bytes()
            assert not [needle for needle in needles if needle in content], path
    memory = memory_directory(home / "worker")
    assert memory is None or not memory.exists()


def check_copies(story: Story) -> None:
    """What was exported is there whole, and nothing beside it."""
    for target, rows in story.seen.copies.items():
        texts = [path.read_text("utf-8") for path in target.glob("*.csv")]
        assert sum(text.count("\n") - 1 for text in texts) == rows
        with zipfile.ZipFile(f"{target}.zip") as archive:
            packed = [archive.read(name).decode() for name in archive.namelist()]
        assert sorted(packed) == sorted(texts)
        assert not list(target.parent.glob(f".{target.name}*"))


def check_nothing_half_written(story: Story) -> None:
    """After one more start, no file waits for its name, and no output is left to be encrypted."""
    story.again()
    home = story.installation.home
    assert not list((home / "streams").iterdir()), "the output of attempts that have ended"
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
