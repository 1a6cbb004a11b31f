"""The keys of the installation: there, and of the right length. What they are is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene

KEYS = {"token.key": 32}
"""File in `keys/` → bytes, written in hexadecimal."""

_RESTORE = "Restore it from a backup of the home"


def check(scene: Scene) -> Iterator[Finding]:
    directory = scene.home.path / "keys"
    if not scene.home.exists:
        yield Finding.skip("keys", "No installation has been made yet")
        return
    for name, size in KEYS.items():
        yield _known(directory / name, size)
    for path in sorted(directory.glob("*")):
        if path.name not in KEYS and path.is_file() and path.stat().st_size == 0:
            yield Finding.fail("keys", f"{str(path)!r} is empty", f"{_RESTORE}.")


def _known(path: Path, size: int) -> Finding:
    lost = f"{_RESTORE}; without it, every token has to be made anew."
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return Finding.fail("keys", f"{str(path)!r} is missing", lost)
    except (ValueError, UnicodeDecodeError):
        return Finding.fail("keys", f"{str(path)!r} is not hexadecimal", lost)
    if len(key) != size:
        return Finding.fail("keys", f"{str(path)!r} holds {len(key)} bytes instead of {size}", lost)
    return Finding.ok("keys", f"{path.name} holds {size} bytes")
