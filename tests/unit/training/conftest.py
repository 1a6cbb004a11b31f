import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pileus.data.ingest import prepare


class FakeAttempt:
    """What training sees of an attempt, with everything it was told."""

    def __init__(self, directory: Path, recipe: str, **config):
        self.inputs = directory / "inputs"
        self.out = directory / "out"
        self.out.mkdir(parents=True)
        self.params = {"recipe": recipe, "config": config}
        self.metrics: list[tuple[str, float, int]] = []
        self.result: tuple[str, dict] | None = None
        self.stop_after: int | None = None
        self._asked = 0

    @property
    def stop_requested(self) -> bool:
        self._asked += 1
        return self.stop_after is not None and self._asked > self.stop_after

    def log_metric(self, name, value, step):
        self.metrics.append((name, value, step))

    def finish(self, summary):
        self.result = ("succeeded", summary)

    def preempted(self, summary):
        self.result = ("preempted", summary)

    def fail(self, code, message, hint=None):
        self.result = ("failed", {"code": code, "message": message, "hint": hint})


@pytest.fixture(scope="session")
def bars(tmp_path_factory) -> Path:
    """Images, 10x8 and some of another size: bright on the left or on the right."""
    root = tmp_path_factory.mktemp("bars")
    random = np.random.default_rng(0)
    for index in range(100):
        side = index % 2
        height, width = (10, 8) if index % 5 else (14, 12)
        pixels = random.integers(0, 60, (height, width), dtype=np.uint8)
        half = width // 2
        pixels[:, side * half : (side + 1) * half] += 120
        folder = root / "source" / ("left", "right")[side]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{index:03}.png")
    return _version(root)


@pytest.fixture(scope="session")
def fruit(tmp_path_factory) -> Path:
    """A table with gaps: two numbers and a category; the label is a class."""
    root = tmp_path_factory.mktemp("fruit")
    random = np.random.default_rng(1)
    rows = []
    for _ in range(200):
        is_lemon = random.random() < 0.5
        weight = "" if random.random() < 0.1 else f"{random.normal(60 if is_lemon else 150, 8):.2f}"
        colour = "yellow" if is_lemon else random.choice(["red", "green"])
        rows.append([weight, f"{random.normal():.3f}", colour, "lemon" if is_lemon else "apple"])
    return _version(_table(root, ["weight", "noise", "colour", "label"], rows))


@pytest.fixture(scope="session")
def rent(tmp_path_factory) -> Path:
    """A table whose label is a number, in the thousands."""
    root = tmp_path_factory.mktemp("rent")
    random = np.random.default_rng(2)
    rows = []
    for _ in range(300):
        area = random.uniform(20, 120)
        rows.append([f"{area:.2f}", f"{9000 + 150 * area + random.normal(0, 300):.2f}"])
    return _version(_table(root, ["area", "rent"], rows), label="rent", task="regression")


@pytest.fixture
def start(tmp_path):
    """Make an attempt that trains on a version."""

    def begin(version, recipe, name="attempt", **config):
        directory = tmp_path / name
        attempt = FakeAttempt(directory, recipe, **config)
        attempt.inputs.mkdir()
        (attempt.inputs / "data").symlink_to(version)
        return attempt

    return begin


def _table(root, header, rows):
    with (root / "source").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    (root / "source").rename(root / "source.csv")
    return root


def _version(root, **options):
    source = root / "source.csv" if (root / "source.csv").exists() else root / "source"
    prepare(str(source), into=root / "version", **options)
    return root / "version"
