"""
The words that start a command under bubblewrap: https://github.com/containers/bubblewrap.

What is not named here is not there: an allowed list, since a forbidden one is never complete.
Standard library only: runners import this.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pileus.compute.layout import PRIVATE_DIRECTORY, Layout

_SYSTEM = (
    "/usr",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/ssl",
)
_MERGED = ("/bin", "/lib", "/lib32", "/lib64", "/sbin")
"""Links into /usr on most systems; directories of their own on others."""

_OF_THE_NODE = frozenset({"HOME", "LOGNAME", "SHELL", "TMPDIR", "USER"})
_DEVICES = "CUDA_VISIBLE_DEVICES"
_SIGNALLED = 128
"""bubblewrap ends with this plus the signal that ended the command, as a shell does."""


class Sandbox(NamedTuple):
    """What a node's sandboxes are made with; part of `launch.json`."""

    program: str
    shows: tuple[str, ...] = ()
    """Beside the system: where Python and its packages are, read-only."""

    hides: tuple[str, ...] = ()
    """Never shown, even inside what is: the installation's home."""

    @staticmethod
    def of(launch: Mapping[str, Any]) -> Sandbox | None:
        """That of a launch; None for one that runs in the open."""
        found = launch.get("sandbox")
        return (
            Sandbox(found["program"], *map(tuple, (found["shows"], found["hides"])))
            if found
            else None
        )


def wrapped(
    sandbox: Sandbox, layout: Layout, command: Sequence[str], env: Mapping[str, str]
) -> list[str]:
    """The command under bubblewrap: no network, no process but its own, no privilege."""
    temporary = layout.directory / "tmp"
    temporary.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
    directory = str(layout.directory)
    inside = [path for path in sandbox.shows if _is_below(path, sandbox.hides)]
    return [
        sandbox.program,
        *("--unshare-all", "--die-with-parent", "--cap-drop", "ALL"),
        *(word for path in _SYSTEM for word in ("--ro-bind-try", path, path)),
        *(word for path in _MERGED for word in _merged(path)),
        *("--proc", "/proc", "--dev", "/dev"),
        *(word for path in _accelerators(env) for word in ("--dev-bind", path, path)),
        # Its own, on disk: what it writes there counts as its disk, and goes with it.
        *("--bind", str(temporary), "/tmp"),  # noqa: S108  where programs look for it
        *(word for path in sandbox.shows for word in ("--ro-bind", path, path)),
        *(word for path in sandbox.hides for word in ("--tmpfs", path)),
        *(word for path in inside for word in ("--ro-bind", path, path)),
        # The node believes what stands in it, and reads the output by its name.
        *("--ro-bind", directory, directory),
        *(word for path in _writable(layout) for word in ("--bind", path, path)),
        *_secrets(layout),
        # The mounts' own directories are memory that no limit of disk counts.
        *(word for path in ("/", *sandbox.hides) for word in ("--remount-ro", path)),
        *("--chdir", str(layout.work), "--"),
        *command,
    ]


def environment(env: Mapping[str, str], layout: Layout) -> dict[str, str]:
    """The attempt's variables, those that tell of the node's user left out."""
    kept = {name: value for name, value in env.items() if name not in _OF_THE_NODE}
    return {**kept, "HOME": str(layout.work), "TMPDIR": "/tmp"}  # noqa: S108  its own


def unwrapped_code(code: int) -> int:
    """How the command itself ended: a negative signal, as in `os.waitstatus_to_exitcode`."""
    return _SIGNALLED - code if code > _SIGNALLED else code


def _merged(path: str) -> tuple[str, ...]:
    if Path(path).is_symlink():
        return ("--symlink", os.readlink(path), path)  # noqa: PTH115  the text, as it is
    return ("--ro-bind-try", path, path)


def _writable(layout: Layout) -> list[str]:
    return [str(path) for path in (layout.work, layout.out, layout.report)]


def _secrets(layout: Layout) -> tuple[str, ...]:
    """Where the link to them leads, which is outside of the attempt's directory."""
    if not layout.secrets.is_symlink():
        return ()
    target = str(layout.secrets.resolve())
    return ("--ro-bind", target, target)


def _accelerators(env: Mapping[str, str]) -> list[str]:
    if not env.get(_DEVICES):
        return []
    return sorted(str(path) for path in Path("/dev").glob("nvidia*") if not path.is_dir())


def _is_below(path: str, roots: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(root) for root in roots)
