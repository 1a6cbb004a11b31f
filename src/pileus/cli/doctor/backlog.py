"""What processes hold for each other: records, meters and ends of attempts not handed over yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene
from pileus.core import settings

MIB = 1024 * 1024
OLD_SECONDS = 60.0
"""They leave every second; what is older than this does not get through."""

MOST_MIB = 512
"""Default of the gateway's `max_segments_mib`: beyond it the oldest records are dropped."""


def check(scene: Scene) -> Iterator[Finding]:
    gateway, worker = scene.home.path / "gateway", scene.home.path / "worker"
    yield _segments(scene, sorted(gateway.glob("segments/*/*.sealed")))
    if not scene.is_up:
        yield from _meters(list(gateway.glob("meters/*.meter")))
    yield _results(scene, sorted(worker.glob("attempts/att_*/exit.json")))


def _segments(scene: Scene, paths: list[Path]) -> Finding:
    size, age = _total(scene, paths)
    if not paths:
        return Finding.ok("records", "No record of a prediction waits for the server")
    said = f"{len(paths)} segments of records, {size / MIB:.1f} MiB, wait for the server"
    most = int(settings.find("gateway", "max_segments_mib", scene.home.path) or MOST_MIB)
    if size > 0.8 * most * MIB:
        hint = "Start the server; when they reach the limit, the oldest records are dropped."
        return Finding.fail("records", f"{said}, near the limit of {most} MiB", hint)
    if age > OLD_SECONDS:
        return Finding.warn("records", f"{said} since {age:.0f} s", _next_step(scene, "gateway"))
    return Finding.ok("records", said)


def _meters(paths: list[Path]) -> Iterator[Finding]:
    if paths:
        yield Finding.warn(
            "meters",
            f"{len(paths)} files of meters were not handed over before the end",
            "`pileus up` hands them over; keep `gateway/meters` until then, it is money.",
        )


def _results(scene: Scene, paths: list[Path]) -> Finding:
    _, age = _total(scene, paths)
    if not paths:
        return Finding.ok("results", "No end of an attempt waits for the server")
    said = f"{len(paths)} attempts have ended and their results wait for the server"
    if age > OLD_SECONDS:
        return Finding.warn("results", f"{said} since {age:.0f} s", _next_step(scene, "worker"))
    return Finding.ok("results", said)


def _next_step(scene: Scene, process: str) -> str:
    if scene.is_up:
        return f"Read `pileus logs {process} --level warning`."
    return "Start it with `pileus up`: they are handed over then."


def _total(scene: Scene, paths: list[Path]) -> tuple[int, float]:
    """Bytes of all, and seconds since the oldest was written; some may go while we look."""
    size, oldest = 0, scene.now().timestamp()
    for path in paths:
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        size += status.st_size
        oldest = min(oldest, status.st_mtime)
    return size, scene.now().timestamp() - oldest
