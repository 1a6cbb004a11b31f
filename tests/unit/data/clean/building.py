"""Versions to clean, and the cleaning of them as an attempt does it."""

import csv
import io
import json
from typing import Any

from pileus.compute.attempt.pileus_attempt import Attempt
from pileus.core.schemas.transform import Transform
from pileus.data.clean.cleaning import clean
from pileus.data.clean.main import main
from pileus.data.clean.report import Report
from pileus.data.load import open_version
from tests.unit.data.build import csv_file, ingested


def table(directory, text, label="label", **options):
    """The version of a table with these lines."""
    directory.mkdir(parents=True, exist_ok=True)
    csv_file(directory / "source.csv", text)
    prepared = ingested(directory / "source.csv", directory / "made", label=label, **options)
    return open_version(prepared.blobs[-1].path.parent)


def folder(directory, root):
    """The version of a folder of class folders."""
    return open_version(ingested(root, directory / "made").blobs[-1].path.parent)


class Cleaned:
    """What a transform made of a version."""

    def __init__(self, directory, version, steps=(), seed=0, expect=None, into=True):
        self.directory = directory
        self.report = Report(version.manifest.id)
        number = len(list(directory.iterdir())) if directory.exists() else 0
        self.out = directory / f"out-{number}"
        target = self.out / "version"
        target.mkdir(parents=True)
        scratch = directory / f"scratch-{number}"
        scratch.mkdir()
        document = {"seed": seed, "steps": list(steps)} | ({"expect": expect} if expect else {})
        self.manifest: Any = clean(
            Transform.model_validate(document),
            version,
            target if into else None,
            self.out,
            scratch,
            self.report,
            lambda done: None,
        )
        self.left = sorted(path.name for path in scratch.iterdir())
        self.version = open_version(target) if self.manifest else None

    def rows(self, split):
        """Rows of a side as dictionaries, in order."""
        found: list[dict[str, str]] = []
        for _, data in self.version.contents(split):
            found += csv.DictReader(io.StringIO(data.decode(), newline=""))
        return found

    def column(self, name, split="train"):
        return [row[name] for row in self.rows(split)]

    @property
    def step(self):
        """What the report says of the last step."""
        return self.report.steps[-1]


class Job:
    """An attempt of a transform, run in this process."""

    def __init__(self, directory, version, transform, *, dry_run=False):
        self.directory = directory
        directory.mkdir(parents=True)
        (directory / "out").mkdir()
        (directory / "report").mkdir()
        (directory / "inputs").mkdir()
        (directory / "inputs" / "data").symlink_to(version._directory)
        params = {"transform": transform, "dry_run": dry_run}
        spec = {"job": "job_1", "attempt": "att_1", "params": params}
        (directory / "spec.json").write_text(json.dumps(spec))
        self.attempt = Attempt(directory)

    def run(self):
        main(self.attempt)
        return json.loads((self.directory / "report" / "result.json").read_text())

    def artifact(self, name):
        path = self.directory / "out" / name
        return path.read_text() if path.exists() else None
