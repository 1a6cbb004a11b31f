"""Whether server and gateway answer, and how fast."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene
from pileus.cli.readiness import PROBES
from pileus.core.errors import PileusError

SLOW_SECONDS = 1.0


def check(scene: Scene) -> Iterator[Finding]:
    for name, path in PROBES.items():
        if scene.asking is None and name not in scene.ports:
            yield Finding.skip(f"{name} answers", f"The {name} is not running")
            continue
        yield _asked(scene, name, path)


def _asked(scene: Scene, name: str, path: str) -> Finding:
    try:
        seconds = scene.ask(name, path).seconds
    except PileusError as error:
        return Finding.fail(
            f"{name} answers",
            f"The {name} does not answer: {error.message}",
            f"Read `pileus logs {name}`.",
        )
    said = f"The {name} answered {path} in {seconds * 1000:.0f} ms"
    if seconds > SLOW_SECONDS:
        hint = "Look at the load of the machine, and at the size of the disk's queue."
        return Finding.warn(f"{name} answers", said, hint)
    return Finding.ok(f"{name} answers", said)
