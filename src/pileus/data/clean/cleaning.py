"""Carries the steps of a transform out, each from stage to stage, and checks the last one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pileus.core.schemas.transform import Transform
from pileus.data.clean.artifacts import FAILING
from pileus.data.clean.expecting.checking import IMAGE_COLUMNS, check_images, check_table
from pileus.data.clean.expecting.violations import Violations
from pileus.data.clean.images import stage as images
from pileus.data.clean.images.registry import IMAGE_STEPS
from pileus.data.clean.report import Report
from pileus.data.clean.result import split_rule, write_images, write_table
from pileus.data.clean.tables import stage as tables
from pileus.data.clean.tables.registry import TABLE_STEPS
from pileus.data.load import LocalVersion
from pileus.data.schema import Manifest

Check = Callable[[int], None]
"""Called now and then with the number of steps done; raises to stop."""


def clean(
    transform: Transform,
    version: LocalVersion,
    into: Path | None,
    out: Path,
    scratch: Path,
    report: Report,
    check: Check,
) -> Manifest | None:
    """
    The version that the transform makes, written to `into`; None without `into`.

    Failing rows go to `out`; `report` grows as steps are done. Raises StepRefused,
    ExpectationViolated, and what keeps the result from being a version.
    """
    if version.manifest.kind == "table":
        return _clean_table(transform, version, into, out, scratch, report, check)
    return _clean_images(transform, version, into, out, scratch, report, check)


def _clean_table(
    transform: Transform,
    version: LocalVersion,
    into: Path | None,
    out: Path,
    scratch: Path,
    report: Report,
    check: Check,
) -> Manifest | None:
    stage = tables.opened(version)
    spools = _Spools(scratch)
    for number, step in enumerate(transform.steps):
        change = TABLE_STEPS[step.step](step, stage, scratch, transform.seed)
        stage = tables.written(spools.next(), stage, change, partial(check, number))
        report.add(step, change.tally, change.fitted)
    if transform.expect is not None:
        with Violations(out / FAILING, stage.names) as violations:
            check_table(transform.expect, stage, violations)
        _conclude(violations, report)
    if into is None:
        return None
    source = version.manifest
    lineage = report.lineage(transform.seed, source.transform)
    return write_table(stage, source, split_rule(transform, source), lineage, into)


def _clean_images(
    transform: Transform,
    version: LocalVersion,
    into: Path | None,
    out: Path,
    scratch: Path,
    report: Report,
    check: Check,
) -> Manifest | None:
    stage = images.opened(version)
    spools = _Spools(scratch)
    for number, step in enumerate(transform.steps):
        change = IMAGE_STEPS[step.step](step, stage, transform.seed)
        stage = images.written(spools.next(), change, partial(check, number))
        report.add(step, change.tally, change.fitted)
    if transform.expect is not None:
        with Violations(out / FAILING, IMAGE_COLUMNS) as violations:
            check_images(transform.expect, stage, violations)
        _conclude(violations, report)
    if into is None:
        return None
    source = version.manifest
    lineage = report.lineage(transform.seed, source.transform)
    return write_images(stage, source, split_rule(transform, source), lineage, into)


def _conclude(violations: Violations, report: Report) -> None:
    report.violations = violations.documents()
    violations.raise_if_any()


class _Spools:
    """Two files in turn: one is read while the other is written."""

    def __init__(self, scratch: Path) -> None:
        self._paths = [scratch / "stage-0", scratch / "stage-1"]

    def next(self) -> Path:
        self._paths.reverse()
        return self._paths[0]
