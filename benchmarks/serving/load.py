"""Drives wrk and h2load, and reads what they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("post.lua")
_PATIENCE_SECONDS = 10
_PACKAGES = {"wrk": "wrk", "h2load": "nghttp2-client"}

_COUNTS = re.compile(
    r"^requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded,"
    r" (\d+) failed, (\d+) errored, (\d+) timeout",
    re.MULTILINE,
)
_RATE = re.compile(r"^finished in ([\d.]+)(us|ms|s|m|h),? ", re.MULTILINE)
_DATA = re.compile(r"\((\d+)\) data$", re.MULTILINE)
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class LoadFailed(Exception):
    """The server did not answer every request, or the tool did not run."""


@dataclass(frozen=True)
class Target:
    """Where requests go, and what they carry."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    answer_bytes: int = 0
    """Of gRPC: an answer has this many, and one that failed has none though its status is 200."""


@dataclass(frozen=True)
class Load:
    """What one run of a tool found."""

    requests: int
    rps: float
    p50_ms: float
    p99_ms: float


def require(tool: str) -> None:
    """End unless the tool is there."""
    if shutil.which(tool) is None:
        sys.exit(f"{tool} is not installed: apt install {_PACKAGES[tool]}")


def wrk(target: Target, directory: Path, seconds: float, connections: int) -> Load:
    """HTTP/1.1 from one thread. Raises LoadFailed."""
    body = directory / "body"
    body.write_bytes(target.body)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    command += [f"--timeout={_PATIENCE_SECONDS}s", f"--script={_SCRIPT}"]
    for header in target.headers.items():
        command += ["-H", ": ".join(header)]
    said = _run([*command, target.url], {"BENCHMARK_BODY": str(body)})
    found = json.loads(said.splitlines()[-1])
    if found["broken"] or found["refused"] or not found["requests"]:
        raise LoadFailed(
            f"{found['requests']} answers, {found['refused']} of them not 2xx,"
            f" {found['broken']} connections or requests broken"
        )
    requests = found["requests"]
    return Load(requests, requests / found["seconds"], found["p50_ms"], found["p99_ms"])


def h2load(target: Target, directory: Path, seconds: float, connections: int) -> Load:
    """HTTP/2 without TLS, as gRPC has it: one stream a connection. Raises LoadFailed."""
    body, log = directory / "frame", directory / "h2load.log"
    body.write_bytes(target.body)
    log.unlink(missing_ok=True)  # h2load appends
    command = ["h2load", "-t1", f"-c{connections}", "-m1", f"-D{max(1, round(seconds))}"]
    command += [f"--data={body}", f"--log-file={log}"]
    for header in target.headers.items():
        command += ["-H", ": ".join(header)]
    said = _run([*command, target.url], {})
    counts, rate, data = _COUNTS.search(said), _RATE.search(said), _DATA.search(said)
    if counts is None or rate is None or data is None:
        raise LoadFailed(f"h2load says what was not expected:\n{said}")
    _, done, succeeded, failed, errored, timeout = map(int, counts.groups())
    if not done or failed or errored or timeout or succeeded != done:
        raise LoadFailed(f"of {done} requests {done - succeeded} failed:\n{said}")
    if int(data[1]) < done * target.answer_bytes:
        raise LoadFailed(
            f"{done} answers have {int(data[1])} bytes, not {target.answer_bytes} each:"
            " some had a grpc-status other than 0"
        )
    took = float(rate[1]) * _UNITS[rate[2]]
    # Start, status and microseconds of each request.
    milliseconds = [int(line.split("\t")[2]) / 1e3 for line in log.read_text().splitlines()]
    quantiles = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return Load(done, done / took, quantiles[49], quantiles[98])


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode or not done.stdout.strip():
        raise LoadFailed(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
