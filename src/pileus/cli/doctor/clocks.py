"""Whether the clocks of this machine, the server and the nodes agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene

SKEWED = timedelta(seconds=3)
"""The header that tells the server's time has no fractions, and takes its way."""

WRONG = timedelta(seconds=60)
BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this there was no Pileus: a clock that shows it was never set."""

_SET = "Set the clock, and keep it right with a time service such as chrony."


def check(scene: Scene) -> Iterator[Finding]:
    yield _own(scene)
    server = scene.try_ask("server", "/api/v1/health")
    if server is not None and server.date is not None:
        skew = parsedate_to_datetime(server.date) - scene.now()
        yield _judged("server clock", "The server's clock", skew)
    nodes = scene.try_ask("server", "/api/v1/nodes")
    for node in nodes.document.get("items", ()) if nodes else ():
        seconds = node.get("clock_skew_seconds")
        if seconds is not None:
            name = f"The clock of node {node['name']}, against the server's,"
            yield _judged("node clock", name, timedelta(seconds=seconds))


def _own(scene: Scene) -> Finding:
    now = scene.now()
    if now < BUILT:
        return Finding.fail("clock", f"The clock of this machine shows {now:%Y-%m-%d}", _SET)
    newest = max(
        (path.stat().st_mtime for path in scene.home.logs.glob("*.jsonl")), default=now.timestamp()
    )
    ahead = newest - now.timestamp()
    if ahead > SKEWED.total_seconds():
        return Finding.warn(
            "clock", f"The clock went back: logs of the home are {ahead:.0f} s in the future", _SET
        )
    return Finding.ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _judged(name: str, whose: str, skew: timedelta) -> Finding:
    seconds = skew.total_seconds()
    side = "ahead" if seconds > 0 else "behind"
    if abs(skew) > WRONG:
        return Finding.fail(name, f"{whose} is {abs(seconds):.0f} s {side}", _SET)
    if abs(skew) > SKEWED:
        return Finding.warn(name, f"{whose} is {abs(seconds):.0f} s {side}", _SET)
    return Finding.ok(name, f"{whose} agrees within {SKEWED.total_seconds():.0f} s")
