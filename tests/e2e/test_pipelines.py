"""A pipeline from its file to its end: outputs handed on, results reused, mended and retried."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pileus.core.errors import Conflict
from tests.e2e.installation import Installation, exit_code, until

FILE = """\
name = "nightly"

[params]
epochs = 2
least = 1

[jobs.clean]
kind = "transform"
dataset = "rows"
into = "rows-clean"
reuse = true
transform = {{ steps = [{{ step = "drop_missing" }}, {{ step = "normalise" }}] }}

[jobs.fit]
kind = "train"
dataset_from = "clean"
recipe = "logistic-regression"
config = {{ epochs = "${{epochs}}" }}
register = "nightly"
reuse = true

[jobs.weigh]
kind = "command"
command = ["sh", "-c", "test -f {switch} && ls -R ../inputs/model > ../out/listing.txt"]
inputs = [{{ name = "model", job = "fit" }}]
max_attempts = "${{least}}"

[jobs.report]
kind = "command"
command = ["sh", "-c", "grep -c . ../inputs/listing/listing.txt"]
inputs = [{{ name = "listing", job = "weigh", artifact = "listing.txt" }}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file of a pipeline, the table that it cleans, and room for the switch that it looks for."""
    lines = ["a,b,label"]
    lines += [f"{n},{n * 7 % 13 if n % 9 else ''},{'yes' if n % 2 else 'no'}" for n in range(90)]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "nightly.toml").write_text(FILE.format(switch=tmp_path / "switch"), "utf-8")
    return tmp_path


def steps(pipeline: Mapping[str, Any]) -> dict[str, Any]:
    return {step["name"]: step for step in pipeline["steps"]}


def test_what_one_job_leaves_the_next_one_reads(calm: Installation, folder: Path) -> None:
    calm.cli("dataset", "create", "rows", str(folder / "rows.csv"))
    file = str(folder / "nightly.toml")

    failed = calm.run("--json", "pipeline", "run", file)
    first = calm.cli("pipeline", "list")[0]
    (folder / "switch").touch()
    mended = calm.cli("pipeline", "retry", first["id"])
    again = calm.cli("pipeline", "run", file)

    assert failed.returncode == exit_code(Conflict), failed.stdout + failed.stderr
    assert {name: one["status"] for name, one in steps(first).items()} == {
        "clean": "succeeded",
        "fit": "succeeded",
        "weigh": "failed",
        "report": "cancelled",
    }
    assert mended["status"] == again["status"] == "succeeded"
    kept, new = steps(first), steps(mended)
    assert [new[name]["job"] == kept[name]["job"] for name in kept] == [True, True, False, False]

    model = calm.cli("model", "show", "nightly:1")
    cleaned = calm.cli("job", "show", kept["clean"]["job"])
    assert model["dataset_version"] == cleaned["summary"]["version"]
    assert int(calm.log(new["report"]["job"])) > 0

    reused = steps(again)
    assert reused["clean"]["reused"] == kept["clean"]["job"]
    assert reused["fit"]["reused"] == kept["fit"]["job"]
    assert calm.cli("job", "show", reused["fit"]["job"])["attempt_items"] == []


@pytest.mark.parametrize("victim", ["server", "worker"])
def test_a_kill_between_two_jobs_loses_neither(
    rough: Installation, tmp_path: Path, victim: str
) -> None:
    file = tmp_path / "two.toml"
    file.write_text(
        'name = "two"\n'
        "[jobs.one]\n"
        'kind = "command"\n'
        f"command = ['sh', '-c', 'touch {tmp_path}/begun; sleep 1; echo 1 > ../out/number']\n"
        "[jobs.two]\n"
        'kind = "command"\n'
        'command = ["cat", "../inputs/number/number"]\n'
        'inputs = [{ name = "number", job = "one" }]\n',
        "utf-8",
    )
    made = rough.cli("pipeline", "run", "--detach", str(file))

    until((tmp_path / "begun").exists, 30)
    rough.kill(victim)

    with rough.client() as client:
        ended = client.pipelines.wait(made["id"])
        last = steps(ended)["two"]["job"]
        assert ended["status"] == "succeeded"
        assert client.jobs.logs(last, "stdout") == b"1\n"


def test_each_time_that_passed_runs_once_across_a_kill(rough: Installation, tmp_path: Path) -> None:
    file = tmp_path / "year.toml"
    file.write_text(
        'name = "year"\n[jobs.say]\nkind = "command"\ncommand = ["echo", "${scheduled_at}"]\n',
        "utf-8",
    )
    rough.cli("schedule", "create", "year", str(file), "--cron", "@yearly", "--catch-up", "all")
    year = datetime.now(UTC).year
    wanted = [f"{year - back}-01-01T00:00:00+00:00" for back in (2, 1, 0)]
    since = int(datetime.fromisoformat(wanted[0]).timestamp() * 1_000_000)

    # As if nothing had run for three years, which are one row of its database.
    with closing(sqlite3.connect(rough.home / "state" / "pileus.db")) as database, database:
        database.execute("UPDATE schedule SET due_at = ? WHERE name = 'year'", (since,))
    rough.kill("server")

    def told() -> list[str]:
        runs = reversed(rough.cli("schedule", "show", "year")["pipelines"])
        return [
            rough.log(one["steps"][0]["job"]).strip()
            for one in runs
            if one["status"] == "succeeded"
        ]

    until(lambda: len(told()) == len(wanted), 60)
    assert told() == wanted
    due_at = rough.cli("schedule", "show", "year")["schedule"]["due_at"]
    assert datetime.fromisoformat(due_at) == datetime(year + 1, 1, 1, tzinfo=UTC)
