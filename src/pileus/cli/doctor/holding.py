"""What holds attempts to their limits on this node, as its worker found when it started."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.cli.doctor.finding import Finding, State
from pileus.cli.doctor.scene import Scene
from pileus.compute.files import read_json

_DELEGATE = (
    "For limits that the kernel holds, give the worker a control group of its own: Delegate=yes in"
    " its systemd unit, then restart it."
)

_INSTALL = "Jobs with --sandbox wait for a node that has bubblewrap: `apt install bubblewrap`."


def check(scene: Scene) -> Iterator[Finding]:
    means = read_json(scene.home.path / "worker" / "means.json")
    if means is None:
        yield Finding.skip("limits", "No worker of this release has run here yet")
        return
    ways: dict[str, list[str]] = {}
    for name, way in means["limits"].items():
        ways.setdefault(way, []).append(name)
    said = "; ".join(f"{', '.join(names)}: {way}" for way, names in ways.items())
    hint = None if means.get("cgroup") else _DELEGATE
    yield Finding("limits", State.OK, f"Limits of attempts: {said}", hint)
    missing = means.get("no_sandbox")
    if missing is None:
        yield Finding.ok("sandbox", "Attempts that ask for one run in a sandbox")
    else:
        yield Finding("sandbox", State.OK, f"No sandbox: {missing}", _INSTALL)
