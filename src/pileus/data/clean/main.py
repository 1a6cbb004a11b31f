"""
A transform, from an attempt's inputs to its artifacts: the entry of every job of that kind.

Read, change, check, write a whole version, describe. What its owner can put right ends as a
failure with a hint; anything else is a bug and leaves with its traceback. The server makes the
dataset version of `out/version/` when the attempt has succeeded.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pileus.core.errors import PileusError
from pileus.core.schemas.transform import Transform
from pileus.data.clean.artifacts import PROFILE, VERSION
from pileus.data.clean.cleaning import clean
from pileus.data.clean.errors import StepRefused, TransformStopped
from pileus.data.clean.report import Report
from pileus.data.load import LocalVersion, open_version
from pileus.data.profile.build import profile_of
from pileus.data.schema import Manifest

if TYPE_CHECKING:
    from pileus.compute.attempt.pileus_attempt import Attempt

DATA = "data"


def main(attempt: Attempt) -> None:
    """Carry out the transform that `attempt.params` describe."""
    report: Report | None = None
    try:
        transform, dry_run = _order(attempt.params)
        version = open_version(attempt.inputs / DATA)
        report = Report(version.manifest.id)
        made = _cleaned(attempt, transform, version, report, dry_run=dry_run)
    except TransformStopped:
        _remove_part(attempt)
        attempt.preempted({})
        return
    except PileusError as error:
        _remove_part(attempt)
        _say(f"failed: {error.message}")
        if error.hint:
            _say(f"hint: {error.hint}")
        _write(report, attempt.out)
        hint = (error.hint or "").replace("JOB", attempt.job_id) or None
        attempt.fail(error.code, error.message, hint)
        return
    report.version = None if made is None else made.id
    _write(report, attempt.out)
    attempt.finish(_summary(report, version.manifest, made))


def _order(params: dict[str, Any]) -> tuple[Transform, bool]:
    """What was asked for. The server has checked it, an attempt started by hand has not been."""
    try:
        return Transform.model_validate(params.get("transform")), params.get("dry_run") is True
    except ValidationError as error:
        raise StepRefused(
            f"The attempt's parameters hold no transform: {error.errors()[0]['msg']}",
            hint="Parameters are {'transform': {...}, 'dry_run': true or false}.",
        ) from error


def _cleaned(
    attempt: Attempt, transform: Transform, version: LocalVersion, report: Report, *, dry_run: bool
) -> Manifest | None:
    total = len(transform.steps) + 1
    into = None if dry_run else attempt.out / VERSION

    def check(done: int) -> None:
        attempt.log_metric("progress", done / total, done)
        if attempt.stop_requested:
            raise TransformStopped("Asked to stop")

    # Beside `out/`, on the disk that the attempt has room on; a later attempt begins anew.
    with TemporaryDirectory(prefix="clean-", dir=attempt.directory) as scratch:
        if into is not None:
            into.mkdir(parents=True, exist_ok=True)
        made = clean(transform, version, into, attempt.out, Path(scratch), report, check)
    if into is not None:
        (attempt.out / PROFILE).write_bytes(profile_of(open_version(into)))
    for entry in report.steps:
        _say(
            f"{entry['step']['step']}: {entry['rows_in']:,} rows in, {entry['rows_out']:,} out,"
            f" {entry['changed']:,} changed"
        )
    return made


def _summary(report: Report, source: Manifest, made: Manifest | None) -> dict[str, Any]:
    rows = source.rows.train + source.rows.untouched
    steps = report.steps
    summary: dict[str, Any] = {
        "rows_in": rows,
        "rows_out": steps[-1]["rows_out"] if steps else rows,
        "changed": sum(entry["changed"] for entry in steps),
    }
    return summary if made is None else summary | {"version": made.id}


def _remove_part(attempt: Attempt) -> None:
    """What is left in `out/` is uploaded, and half a version is of no use to anybody."""
    shutil.rmtree(attempt.out / VERSION, ignore_errors=True)


def _write(report: Report | None, out: Path) -> None:
    if report is not None:
        report.write(out)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
