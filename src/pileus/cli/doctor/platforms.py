"""Python, system, limits, and the disk that the home is on."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene
from pileus.core.errors import PileusError
from pileus.storage.mounts import check_local, file_system

OLDEST = (3, 11)
FILES = 1024
"""Open files that a server with many clients and attempts needs at least."""


def check(scene: Scene) -> Iterator[Finding]:
    yield _python(tuple(sys.version_info[:2]))
    yield _system(platform.system())
    yield from _files()
    yield _local(scene)


def _python(version: tuple[int, ...]) -> Finding:
    shown = ".".join(map(str, version))
    if version < OLDEST:
        return Finding.fail(
            "python",
            f"Python {shown} is too old",
            "Install Python 3.11 or newer, and Pileus in it.",
        )
    return Finding.ok("python", f"Python {shown} in {sys.executable}")


def _system(name: str) -> Finding:
    machine = f"{name} {platform.release()} on {platform.machine()}"
    if name == "Linux":
        return Finding.ok("system", machine)
    return Finding.warn(
        "system",
        f"{machine}: jobs start slower here, and nothing but clients is supported",
        "Run the installation on Linux; the command line and the SDK work here.",
    )


def _files() -> Iterator[Finding]:
    try:
        import resource  # not on Windows
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES:
        yield Finding.warn(
            "open files",
            f"A process may open {soft} files",
            f"Raise it with `ulimit -n {min(hard, 65536) if hard > 0 else 65536}`, then restart.",
        )
    else:
        yield Finding.ok("open files", f"A process may open {soft} files")


def _local(scene: Scene) -> Finding:
    kind = file_system(scene.home.path) or "unknown"
    try:
        check_local(scene.home.path)
    except PileusError as error:
        return Finding.fail("file system", error.message, error.hint or "")
    return Finding.ok("file system", f"The home is on {kind}, a local one")
