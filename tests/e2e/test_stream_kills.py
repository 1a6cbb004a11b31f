"""kill -9 of trainer, worker and server: no line and no point that was written before it is lost."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.installation import Installation, until

PROGRAM = """
import os, sys, time
from pileus_attempt import Attempt
attempt, path, count = Attempt.current(), sys.argv[1], int(sys.argv[2])
for number in range(count):
    os.write(1, f"line {number}\\n".encode())
    os.write(2, f"error {number}\\n".encode())
    attempt.log_metric("loss", number / 2, number)
    with open(path + ".new", "w") as file:
        file.write(f"{os.getpid()} {number + 1}")
    os.replace(path + ".new", path)  # a kill must not leave it empty
    time.sleep(0.001)
"""

CLOCK = """
import os, sys, time
for number in range(int(sys.argv[2])):
    os.write(1, f"{time.time():.6f} {number}\\n".encode())
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(f"{os.getpid()} {number + 1}")
    os.replace(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(0.005)
"""


def start(installation: Installation, path: Path, count: int) -> str:
    command = ("--", sys.executable, "-c", PROGRAM, str(path), str(count))
    return str(installation.cli("run", "--detach", *command)["id"])


def progress(path: Path) -> tuple[int, int]:
    """Pid of the program, and how many rounds it has written at least."""
    try:
        pid, rounds = path.read_text("utf-8").split()
    except (OSError, ValueError):
        return 0, 0
    return int(pid), int(rounds)


def assert_there(installation: Installation, job: str, least: int) -> int:
    """Every line and point of the first `least` rounds, each once and in order; how many rounds."""
    attempts = installation.cli("job", "show", job)["attempt_items"]
    with installation.client() as client:
        first = attempts[0]["id"]
        out = client.jobs.logs(job, "stdout", first).decode().splitlines()
        errors = client.jobs.logs(job, "stderr", first).decode().splitlines()
        points = client.jobs.metric(job, "loss", points=100_000)
        csv = client.jobs.metric_csv(job, "loss").splitlines()
    assert len(attempts) == 1
    assert len(out) >= least
    assert out == [f"line {number}" for number in range(len(out))]
    assert errors[:least] == [f"error {number}" for number in range(least)]
    assert [step for step, _, _ in points] == list(range(len(points)))
    assert len(points) >= least
    assert len(csv) == len(points) + 1
    [row] = installation.cli("job", "metrics", job)
    assert row["count"] == len(points)
    return len(out)


def has_reached(path: Path, rounds: int) -> bool:
    return progress(path)[1] >= rounds


def has_another(installation: Installation, name: str, old: int) -> bool:
    return installation.pid(name) not in {None, old}


@pytest.mark.parametrize("victim", ["server", "worker"])
def test_nothing_is_lost_when_a_process_of_ours_is_killed(
    rough: Installation, tmp_path: Path, victim: str
) -> None:
    count = 4000
    job = start(rough, tmp_path / "progress", count)

    for rounds in (200, 1500):
        until(partial(has_reached, tmp_path / "progress", rounds), seconds=60)
        killed = until(lambda: rough.pid(victim), seconds=10)
        rough.kill(victim)
        until(partial(has_another, rough, victim, killed), seconds=10)

    assert rough.ended(job)["status"] == "succeeded"
    assert assert_there(rough, job, count) == count


@pytest.mark.parametrize("victim", ["server", "worker"])
def test_lines_have_their_times_whoever_is_killed(
    rough: Installation, tmp_path: Path, victim: str
) -> None:
    count = 1000
    command = ("--", sys.executable, "-c", CLOCK, str(tmp_path / "progress"), str(count))
    job = str(rough.cli("run", "--detach", *command)["id"])

    until(partial(has_reached, tmp_path / "progress", 200), seconds=60)
    killed = until(lambda: rough.pid(victim), seconds=10)
    rough.kill(victim)
    until(partial(has_another, rough, victim, killed), seconds=10)

    assert rough.ended(job)["status"] == "succeeded"
    lines = rough.cli("job", "logs", job, "--timestamps", "--stream", "stdout")["stdout"]
    late = [
        datetime.fromisoformat(stamp).timestamp() - float(written)
        for stamp, written, _ in map(str.split, lines.splitlines())
    ]
    assert len(late) == count
    # The time of a file is that of the kernel's last tick, and milliseconds are shown.
    assert min(late) > -0.02
    stamps = {line.split()[0] for line in lines.splitlines()}
    assert len(stamps) > 20, "they are of the looks of the runner, not of the kill"
    middle = lines.splitlines()[count // 2].split()[0]
    found = rough.cli("job", "logs", job, "--since", middle, "--stream", "stdout")["stdout"]
    first = int(found.split()[1])
    assert abs(first - count // 2) < 100
    assert [int(one.split()[1]) for one in found.splitlines()] == list(range(first, count))


def test_nothing_is_lost_when_the_trainer_is_killed(rough: Installation, tmp_path: Path) -> None:
    command = ("--", sys.executable, "-c", PROGRAM, str(tmp_path / "progress"), "1000000")
    spec = {"kind": "command", "command": list(command[1:]), "max_attempts": 1}
    with rough.client() as client:
        job = str(client.jobs.submit(spec)["id"])
    until(lambda: progress(tmp_path / "progress")[1] >= 500, seconds=60)

    os.kill(progress(tmp_path / "progress")[0], signal.SIGKILL)
    time.sleep(0.1)
    least = progress(tmp_path / "progress")[1]

    assert rough.ended(job)["status"] == "failed"
    assert_there(rough, job, least)
    found = rough.cli("job", "logs", job, "--grep", f"line {least - 1}", "--tail", "1")
    assert found["stdout"].startswith(f"line {least - 1}")
