"""Optional parts that are installed here, as the package itself declares them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import metadata

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene

_REQUIREMENT = re.compile(r"""^([\w.-]+).*;.*\bextra\s*==\s*["']([\w-]+)["']""")
_NOT_A_PART = {"all", "dev"}
_TRAINS = "torch"
"""Without this one, this machine cannot run what most people start with."""


def check(scene: Scene) -> Iterator[Finding]:
    del scene
    yield from report(metadata.requires("pileus") or ())


def report(requirements: Sequence[str]) -> Iterator[Finding]:
    """A finding for each extra that `requirements` name."""
    parts: dict[str, list[str]] = {}
    for requirement in requirements:
        found = _REQUIREMENT.match(requirement)
        if found and found[2] not in _NOT_A_PART:
            parts.setdefault(found[2], []).append(found[1])
    for extra, packages in sorted(parts.items()):
        absent = [package for package in packages if not _is_installed(package)]
        if not absent:
            yield Finding.ok(f"extra {extra}", f"Installed: {', '.join(packages)}")
        elif extra == _TRAINS:
            yield Finding.warn(
                f"extra {extra}",
                f"Not installed: {', '.join(absent)}; recipes cannot train on this machine",
                f"Install it with `pip install 'pileus[{extra}]'`.",
            )
        else:
            how = f"add it with `pip install 'pileus[{extra}]'` when you need it"
            yield Finding.skip(f"extra {extra}", f"Not installed: {', '.join(absent)}; {how}")


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
