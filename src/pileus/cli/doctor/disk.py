"""Room on the disks: for the home, and for temporary files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene

GIB = 1024**3
TOO_LITTLE_BYTES = GIB // 2
LITTLE_BYTES = 5 * GIB
LITTLE_FRACTION = 0.05
LITTLE_FILES = 10_000


def check(scene: Scene) -> Iterator[Finding]:
    yield from _room(scene, "disk", "The home", _existing(scene.home.path))
    yield from _room(scene, "temporary disk", "The temporary directory", scene.temporary)


def _room(scene: Scene, name: str, what: str, path: Path) -> Iterator[Finding]:
    status = scene.statvfs(path)
    free, total = status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
    said = f"{what} has {free / GIB:.1f} of {total / GIB:.1f} GiB free ({path})"
    hint = f"Free space on the disk of {str(path)!r}, or move it to a larger one."
    if free < TOO_LITTLE_BYTES:
        yield Finding.fail(name, f"{said}: writes are about to be refused", hint)
    elif free < min(LITTLE_BYTES, total * LITTLE_FRACTION):
        yield Finding.warn(name, said, hint)
    else:
        yield Finding.ok(name, said)
    # Some file systems have no fixed number of files, and say 0.
    if status.f_files and status.f_favail < LITTLE_FILES:
        yield Finding.warn(
            f"{name} files", f"{what} has room for {status.f_favail} more files", hint
        )


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
