"""Secrets on the command line: where a value is read from, and how a job names one."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pileus.core.errors import InvalidRequest


def secrets(variables: Sequence[str], files: Sequence[str]) -> list[dict[str, Any]]:
    """`NAME[=VARIABLE]` and `NAME[=FILE]` as a spec has them."""
    return [
        *({"name": name, "variable": place} for name, place in map(_named, variables)),
        *({"name": name, "file": place} for name, place in map(_named, files)),
    ]


def value_of(name: str, path: Path | None) -> bytes:
    """The value of a secret: a file's bytes, what a person types unseen, or all of stdin.

    Of stdin the newline at its end is left out, which `echo` puts there.
    """
    if path is not None:
        try:
            return path.read_bytes()
        except OSError as error:
            raise InvalidRequest(
                f"{str(path)!r} cannot be read: {error.strerror}",
                hint="Name a file that you may read.",
            ) from error
    if sys.stdin.isatty():
        return getpass.getpass(f"Value of {name} (not shown): ").encode()
    return sys.stdin.buffer.read().removesuffix(b"\n").removesuffix(b"\r")


def _named(text: str) -> tuple[str, str]:
    name, _, place = text.partition("=")
    return name, place or name
