"""What attempts report while they run: points of a metric, and lines of a log.

`python -m benchmarks.streams --json` starts an installation. One job reports a million points one by
one, timed from the first until the server has committed the last; the points are then asked for,
down-sampled to 500. Two jobs then write 25 MB/s of 100-byte lines each: how much arrives a second, from
their submit on, and the processor time of server and worker until both have ended, their logs stored as
blobs. Nobody asks meanwhile. Once more with somebody who follows one of the two: every line says when it
was written, and the oldest line of each piece that comes counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.installation import installation
from pileus.sdk import Client

_LINE_BYTES = 100
_BEAT_SECONDS = 0.01
_QUERIES = 20
_SHOWN = 500

_POINTS = """
import sys, time
from pileus_attempt import Attempt
attempt, log, count = Attempt.current(), Attempt.current().log_metric, int(sys.argv[1])
print(time.time(), flush=True)
for step in range(count):
    log("loss", 1.0 / (step + 1), step)
print(time.time(), flush=True)
"""

# A line is the time at which it is written, and filling up to 100 bytes with its end.
_LINES = """
import os, sys, time
rate, seconds, beat, size = map(float, sys.argv[1:])
lines, start, beats = int(rate * beat / size), time.monotonic(), int(seconds / beat)
for number in range(beats):
    wait = start + number * beat - time.monotonic()
    if wait > 0:
        time.sleep(wait)
    data = (f"{time.time():.6f} ".ljust(int(size) - 1, ".") + "\\n").encode() * lines
    while data:
        data = data[os.write(1, data):]
"""


def points_per_second(client: Client, count: int) -> tuple[float, float, str]:
    """Points of one process until committed; microseconds of each in the process; the job."""
    job = _submit(client, _POINTS, count)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        found = client.jobs.metrics(job)
        if found and found[0]["count"] == count:
            break
        time.sleep(0.02)
    else:
        sys.exit(f"job {job}: {found} after five minutes")
    seen = time.time()
    client.jobs.wait(job)
    began, ended = map(float, client.jobs.logs(job).split())
    return count / (seen - began), (ended - began) / count * 1e6, job


def query_milliseconds(client: Client, job: str) -> float:
    """The median answer to 500 points out of all."""
    took = []
    for _ in range(_QUERIES):
        started = time.perf_counter()
        shown = client.jobs.metric(job, "loss", points=_SHOWN)
        took.append((time.perf_counter() - started) * 1000)
    if not 2 <= len(shown) <= _SHOWN:
        sys.exit(f"{len(shown)} points were shown")
    return statistics.median(took)


def log_load(client: Client, home: Path, mb_per_s: float, seconds: float) -> dict[str, Any]:
    """How much arrived a second, and what it took of the processor."""
    before, started = _cpu_seconds(home), time.perf_counter()
    jobs = _write_lines(client, mb_per_s, seconds)
    written = _written(mb_per_s, seconds)
    time.sleep(seconds)
    attempts = [next(iter(client.jobs.attempts(job)))["id"] for job in jobs]
    logs = [home / "streams" / attempt / "stdout" for attempt in attempts]
    while any(_size(log, written) < written for log in logs):
        time.sleep(0.01)
    arrived = time.perf_counter() - started
    _ended(client, jobs)
    took = time.perf_counter() - started
    after = _cpu_seconds(home)
    cpu = {name: after[name] - before[name] for name in after}
    return {
        "log_mb_per_s": round(2 * written / 1e6 / arrived, 1),
        "log_core_pct": round(100 * sum(cpu.values()) / took, 1),
        "log_cpu_s_per_gb": {name: round(cpu[name] / (2 * written / 1e9), 2) for name in cpu},
        "log_end_s": round(took - arrived, 2),
    }


def follow_delays(client: Client, mb_per_s: float, seconds: float) -> list[float]:
    """In milliseconds, of the oldest line of each piece of one of the two logs."""
    jobs = _write_lines(client, mb_per_s, seconds)
    delays = []
    for piece in client.jobs.follow_logs(jobs[0]):
        start = piece.find(b"\n") + 1
        if start < len(piece) - _LINE_BYTES:
            delays.append((time.time() - float(piece[start : start + 17])) * 1000)
    _ended(client, jobs)
    return delays


def _write_lines(client: Client, mb_per_s: float, seconds: float) -> list[str]:
    rate = mb_per_s * 1e6 / 2
    return [_submit(client, _LINES, rate, seconds, _BEAT_SECONDS, _LINE_BYTES) for _ in range(2)]


def _written(mb_per_s: float, seconds: float) -> int:
    """Bytes of one log, as the program counts."""
    lines = int(mb_per_s * 1e6 / 2 * _BEAT_SECONDS / _LINE_BYTES)
    return int(seconds / _BEAT_SECONDS) * lines * _LINE_BYTES


def _size(log: Path, after: int) -> int:
    """Of a log at the server; once it is a blob its file is gone, and `after` stands for it."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return after


def _ended(client: Client, jobs: list[str]) -> None:
    ended = [client.jobs.wait(job, every_seconds=0.05) for job in jobs]
    if any(job["status"] != "succeeded" for job in ended):
        sys.exit(f"{ended}")


def _submit(client: Client, program: str, *arguments: object) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    spec = {"kind": "command", "command": command, "resources": {"cpu": 0.001, "memory_mib": 64}}
    return str(client.jobs.submit(spec)["id"])


def _cpu_seconds(home: Path) -> dict[str, float]:
    """Of server and worker so far. Not of runners: they take no more than with a silent attempt."""
    pids = json.loads((home / "run" / "pids.json").read_text("utf-8"))
    times = {name: psutil.Process(pids[name]).cpu_times() for name in ("server", "worker")}
    return {name: one.user + one.system for name, one in times.items()}


def measure(points: int, mb_per_s: float, seconds: float) -> dict[str, Any]:
    """Every figure of one installation."""
    with tempfile.TemporaryDirectory(prefix="pileus-streams-") as name:
        directory = Path(name)
        with installation(directory):
            home = directory / "home"
            with Client.from_home(home) as client:
                rate, each_us, job = points_per_second(client, points)
                query = query_milliseconds(client, job)
                logs = log_load(client, home, mb_per_s, seconds)
                delays = follow_delays(client, mb_per_s, seconds)
    return {
        "metric_points_per_s": round(rate),
        "metric_query_ms": round(query, 1),
        **logs,
        "follow_p99_ms": round(statistics.quantiles(delays, n=100)[98], 1),
        "follow_p50_ms": round(statistics.median(delays), 1),
        "log_metric_us": round(each_us, 1),
        "points": points,
        "load_average": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}",
    }


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000, help="of one metric")
    parser.add_argument("--mb-per-s", type=float, default=50, help="of two logs together")
    parser.add_argument("--seconds", type=float, default=10, help="that the logs are written")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    found = measure(given.points, given.mb_per_s, given.seconds)
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
