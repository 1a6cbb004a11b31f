"""kill -9 while a dataset is cleaned: one version comes out, the one that was meant, and no litter."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from pileus.core.schemas.transform import Transform
from pileus.data.clean.cleaning import clean
from pileus.data.clean.report import Report
from pileus.data.create import create_version
from pileus.data.ingest import prepare
from pileus.data.load import open_version
from tests.e2e.installation import Installation, lives, until
from tests.e2e.test_kills import runner_in

ROWS = 30_000
STEPS = ("impute", "clip", "normalise", "drop_near_duplicate_rows", "drop_duplicates")
SPEC = {"steps": [{"step": step} for step in STEPS]}
DAY = int(timedelta(days=1) / timedelta(microseconds=1))
NAMES_NO_BLOB = {"blob", "audit_event", "idempotency", "changes"}
"""Tables that may tell of a digest and keep nothing by it."""


@dataclass(frozen=True)
class Meant:
    """A table that takes seconds to clean, and what becomes of it when nobody is killed."""

    table: Path
    source: str
    result: str


@pytest.fixture(scope="module")
def meant(tmp_path_factory: pytest.TempPathFactory) -> Meant:
    directory = tmp_path_factory.mktemp("meant")
    table = directory / "table.csv"
    lines = [
        f"{n * 7919 % 10007 / 3:.4f},{'' if n % 20 == 0 else n * 31 % 977},{'xyz'[n % 3]},{'ab'[n % 2]}"
        for n in range(ROWS)
    ]
    table.write_text("\n".join(["width,height,kind,label", *lines]) + "\n", encoding="utf-8")
    for name in ("source", "result", "out", "scratch"):
        (directory / name).mkdir()
    prepare(str(table), into=directory / "source", label="label")
    version = open_version(directory / "source")
    made = clean(
        Transform.model_validate(SPEC),
        version,
        directory / "result",
        directory / "out",
        directory / "scratch",
        Report(version.manifest.id),
        lambda _: None,
    )
    assert made is not None
    return Meant(table, version.manifest.id, made.id)


def start_cleaning(installation: Installation, meant: Meant, into: str) -> tuple[str, Path]:
    """A job that has a version of `into` to make, and the directory of its attempt."""
    with installation.client() as client:
        made = create_version(client, "rows", str(meant.table), label="label").version
    assert made["id"] == meant.source
    spec = installation.directory / "clean.json"
    spec.write_text(json.dumps(SPEC), encoding="utf-8")
    words = ("dataset", "clean", "rows", str(spec), "--into", into, "--detach")
    job = str(installation.cli(*words)["id"])
    return job, until(lambda: installation.attempt_directory(job), seconds=20, every_seconds=0.01)


def is_at_a_step(directory: Path) -> bool:
    return any(directory.glob("clean-*/stage-*"))


def is_writing(directory: Path) -> bool:
    with suppress(FileNotFoundError):  # it got its name between being seen and being asked
        return any(path.stat().st_size for path in directory.glob("out/version/packs/*"))
    return False


def assert_cleaned(installation: Installation, meant: Meant, job: str, into: str) -> None:
    """The one version that was meant, with the lineage that was meant."""
    with installation.client() as client:
        [version] = client.datasets.versions(into)
        steps = client.lineage.of(job)["steps"]
        [profile] = client.datasets.profiles(version["id"])
        for blob in ({"digest": version["manifest"]}, profile, *version["packs"]):
            assert hashlib.sha256(client.blobs.get(blob["digest"])).hexdigest() == blob["digest"]
    assert (version["id"], version["job"]) == (meant.result, job)
    assert profile["version"] == meant.result
    assert [(step["noun"], step["id"]) for step in steps] == [
        ("job", job),
        ("dataset_version", meant.source),
    ]


def assert_no_litter(installation: Installation) -> None:
    """Once blobs are old enough to be collected, each that is left is named by a row."""
    path = installation.home / "state" / "pileus.db"
    with closing(sqlite3.connect(path, timeout=10)) as database, database:
        database.execute("UPDATE blob SET announced_at = announced_at - ?", [2 * DAY])
    with installation.client() as client:
        client.installation.collect()
        assert client.installation.collect(dry_run=True)["blobs"] == 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = {
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
        }
        named = "\n".join(
            repr(row)
            for table in sorted(tables - NAMES_NO_BLOB)
            for row in database.execute(f'SELECT * FROM "{table}"')
        )
        digests = [digest for (digest,) in database.execute("SELECT digest FROM blob")]
    assert [digest for digest in digests if digest not in named] == []
    files = [path for path in (installation.home / "blobs").glob("*/*/*") if path.is_file()]
    assert len(files) == len(digests), "a file for each blob, and no other"
    incoming = installation.home / "blobs" / "incoming"
    assert not [path for path in incoming.iterdir() if path.stat().st_mtime < time.time() - 5]


class TestRunner:
    @pytest.mark.parametrize("is_half_way", [is_at_a_step, is_writing])
    def test_a_killed_runner_costs_an_attempt_and_makes_no_second_version(
        self, rough: Installation, meant: Meant, is_half_way: Callable[[Path], bool]
    ) -> None:
        into = f"runner-{is_half_way.__name__.replace('_', '-')}"
        job, directory = start_cleaning(rough, meant, into)
        until(lambda: is_half_way(directory), seconds=20, every_seconds=0.005)
        runner = runner_in(directory)
        led = psutil.Process(runner).children(recursive=True)
        assert led, "it was still at work"

        os.kill(runner, signal.SIGKILL)

        psutil.wait_procs(led, timeout=5)
        assert not [process for process in led if lives(process.pid)]
        ended = rough.ended(job)
        assert (ended["status"], ended["attempts"], ended["failures"]) == ("succeeded", 2, 1)
        assert_cleaned(rough, meant, job, into)
        assert_no_litter(rough)


class TestServer:
    def test_the_cleaning_goes_on_while_the_server_is_killed(
        self, rough: Installation, meant: Meant
    ) -> None:
        job, directory = start_cleaning(rough, meant, "server")
        until(lambda: is_at_a_step(directory), seconds=20, every_seconds=0.005)
        runner = runner_in(directory)

        killed = rough.kill("server")

        assert lives(runner), "it was still at work"
        until(lambda: rough.pid("server") not in {None, killed}, seconds=10)
        ended = rough.ended(job)
        assert (ended["status"], ended["attempts"], ended["failures"]) == ("succeeded", 1, 0)
        assert_cleaned(rough, meant, job, "server")
        assert_no_litter(rough)
        until(lambda: not lives(runner) and not directory.exists(), seconds=5)
