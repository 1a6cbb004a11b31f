"""Supervisor and processes: running, restarted, or left over from one that was killed."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene
from pileus.cli.leftovers import leftovers


def check(scene: Scene) -> Iterator[Finding]:
    if scene.is_up:
        yield from _running(scene)
    else:
        yield from _stopped(scene)


def _running(scene: Scene) -> Iterator[Finding]:
    yield Finding.ok(
        "processes",
        f"The supervisor runs as process {scene.pids.get('supervisor', 'not known yet')}",
    )
    for name, process in scene.home.read("processes.json").items():
        reason = f": {process['reason']}" if process.get("reason") else ""
        hint = f"Read `pileus logs {name}` and `pileus logs supervisor`."
        if process["state"] == "crash_loop":
            yield Finding.fail("processes", f"The {name} dies again and again{reason}", hint)
        elif process["state"] != "running":
            yield Finding.fail("processes", f"The {name} is {process['state']}{reason}", hint)
        elif process.get("recent_deaths"):
            yield Finding.fail("processes", f"The {name} keeps dying: {process['reason']}", hint)
        elif process["restarts"]:
            often = process["restarts"]
            times = "once" if often == 1 else f"{often} times"
            said = f"The {name} had to be started again {times}{reason}"
            yield Finding.warn("processes", said, hint)
        else:
            yield Finding.ok("processes", f"The {name} runs as process {process['pid']}")


def _stopped(scene: Scene) -> Iterator[Finding]:
    left = [f"{name} ({pid})" for name, pid in leftovers(scene.home).items()]
    if left:
        yield Finding.warn(
            "processes",
            f"The supervisor is gone and has left {', '.join(left)}",
            "`pileus up` ends them and starts anew.",
        )
    elif scene.pids:
        yield Finding.warn(
            "processes",
            "The supervisor did not stop in order; nothing of it runs any more",
            "`pileus up` takes up what it left.",
        )
    else:
        yield Finding.ok("processes", f"Pileus is not running in {scene.home.path}")
