"""What Pileus takes when nobody uses it: start-up time, time until ready, memory at rest.

`python -m benchmarks.footprint --json` times `pileus --version`, starts an installation in a fresh
home, runs one whole story through the CLI (dataset, training, endpoint, prediction, bill), leaves
it alone for a minute and sums the proportional set size (PSS) of all its processes. Linux only.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

import pileus

BARS = {"version_ms": 120.0, "ready_ms": 2000.0, "idle_pss_mb": 220.0}
VERSION_RUNS = 15

_PSS = re.compile(r"^Pss: +(\d+) kB", re.MULTILINE)


class Home:
    """Commands of the CLI in one home, without the settings of whoever measures."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "home"
        own = {name: text for name, text in os.environ.items() if not name.startswith("PILEUS_")}
        self._environment = own | {"HOME": str(directory)}

    def cli(self, *words: str) -> Any:  # noqa: ANN401  a JSON value
        """The JSON value that a command prints; a failure ends the benchmark."""
        command = [sys.executable, "-m", "pileus", "--json", "--home", str(self.path), *words]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"pileus {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def processes(self) -> dict[str, float]:
        """Name of each process of the installation → its PSS in MB."""
        pids = json.loads((self.path / "run" / "pids.json").read_text("utf-8"))
        names = {pid: name for name, pid in pids.items()}
        root = psutil.Process(pids["supervisor"])
        tree = [root, *root.children(recursive=True)]
        return {f"{names.get(one.pid, 'other')} {one.pid}": pss_mb(one.pid) for one in tree}


def pss_mb(pid: int) -> float:
    """Memory of a process, what it shares counted in parts: these may be added up."""
    try:
        match = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8"))
    except ProcessLookupError:  # it has ended, and its parent has not looked yet
        return 0.0
    return 0.0 if match is None else int(match[1]) * 1024 / 1e6


def time_version() -> list[float]:
    """Milliseconds of `pileus --version`, as installed."""
    command = Path(sys.executable).with_name("pileus")
    found = []
    for _ in range(VERSION_RUNS):
        started = time.perf_counter()
        subprocess.run([command, "--version"], stdout=subprocess.DEVNULL, check=True)
        found.append((time.perf_counter() - started) * 1000)
    return found


def tell_a_story(home: Home, directory: Path) -> None:
    """What a user does on the first day."""
    home.cli("dataset", "create", "digits", "sample:digits")
    home.cli("train", "digits", "--recipe", "cnn", "--epochs", "3", "--register", "digits")
    home.cli("endpoint", "create", "digits", "--model", "digits:1")
    image = directory / "digit.pgm"
    image.write_bytes(b"P5 8 8 255\n" + bytes(range(0, 256, 4)))
    for _ in range(5):
        home.cli("predict", "digits", str(image))
    home.cli("bill")


def measure(idle_seconds: float) -> dict[str, Any]:
    """All figures. What a call took of the processor says more than its time on a busy machine."""
    compileall.compile_dir(str(Path(pileus.__file__).parent), quiet=1)  # as pip does
    versions = time_version()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "pileus", "--version"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory(prefix="pileus-footprint-") as name:
        home = Home(Path(name))
        ready = []
        try:
            for _ in range(3):  # the first one also makes the home
                started = time.perf_counter()
                home.cli("up", "--port", "0", "--gateway-port", "0")
                ready.append((time.perf_counter() - started) * 1000)
                if len(ready) < 3:
                    home.cli("down")
            at_start = home.processes()
            tell_a_story(home, Path(name))
            time.sleep(idle_seconds)
            at_rest = home.processes()
        finally:
            home.cli("down")
    return {
        "version_ms": statistics.median(versions),
        "ready_ms": statistics.median(ready),
        "idle_pss_mb": sum(at_rest.values()),
        "version_cpu_ms": (_cpu(after) - _cpu(before)) * 1000,
        "ready_first_ms": ready[0],
        "start_pss_mb": sum(at_start.values()),
        "processes_pss_mb": at_rest,
        "bars": BARS,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}",
        "load": os.getloadavg()[0],
    }


def _cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle-seconds", type=float, default=60.0, help="rest before memory")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    found = measure(given.idle_seconds)
    if not given.json:
        for name, bar in BARS.items():
            print(f"{name:12} {found[name]:8.1f}  bar {bar:.0f}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
