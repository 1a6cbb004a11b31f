"""Every check, in the order of the report; a new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pileus.cli.doctor import (
    answering,
    backlog,
    clocks,
    database,
    disk,
    encryption,
    extras,
    holding,
    keys,
    permissions,
    platforms,
    ports,
    processes,
    schedules,
    versions,
)
from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene

Check = Callable[[Scene], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    "platform": platforms.check,
    "extras": extras.check,
    "versions": versions.check,
    "disk": disk.check,
    "permissions": permissions.check,
    "keys": keys.check,
    "encryption": encryption.check,
    "processes": processes.check,
    "holding": holding.check,
    "ports": ports.check,
    "answering": answering.check,
    "clocks": clocks.check,
    "database": database.check,
    "backlog": backlog.check,
    "schedules": schedules.check,
}


def examine(scene: Scene, checks: dict[str, Check] = CHECKS) -> Iterator[Finding]:
    """The findings of all checks; one that cannot be made is a finding too."""
    for name, check in checks.items():
        try:
            yield from check(scene)
        except Exception as error:  # noqa: BLE001  what is broken must not hide the rest
            yield Finding.fail(
                name,
                f"This could not be checked: {type(error).__name__}: {error}",
                "Correct what it says, and look again.",
            )
