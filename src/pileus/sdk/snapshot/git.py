"""What git says of a folder. Every function answers None or nothing where git has no say."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pileus.core.schemas.code import MAX_DIFF_BYTES, Provenance
from pileus.sdk.snapshot.secrets import is_secret

_SECONDS = 60.0
_DIFF_FILES = 1000
"""Named in one command at most."""


def files(folder: Path) -> list[str] | None:
    """Paths that git knows or would add, less what its ignore files say; None without git.

    One that ends in `/` is a repository of its own.
    """
    listed = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is None:
        return None
    known = _git(folder, "ls-files", "-z", "--stage") or b""
    modules = {_text(entry.partition(b"\t")[2]) for entry in _parts(known) if _is_module(entry)}
    paths = {_text(part) for part in _parts(listed)}
    return sorted(f"{path}/" if path in modules else path for path in paths)


def provenance(folder: Path) -> tuple[Provenance, bytes]:
    """Commit, branch, and what was changed in the folder since then, without files of secrets."""
    commit = _line(_git(folder, "rev-parse", "--verify", "--quiet", "HEAD"))
    if commit is None:
        return Provenance(), b""
    changed = _git(folder, "diff", "-z", "--name-only", "--relative", "HEAD", "--", ".") or b""
    shown = [path for path in map(_text, _parts(changed)) if not is_secret(path)]
    diff = _diff(folder, shown[:_DIFF_FILES])
    untracked = _git(folder, "ls-files", "-z", "--others", "--exclude-standard") or b""
    return Provenance(
        commit=commit,
        branch=_line(_git(folder, "symbolic-ref", "--short", "--quiet", "HEAD")),
        is_changed=bool(changed or untracked),
        is_diff_cut=len(diff) > MAX_DIFF_BYTES or len(shown) > _DIFF_FILES,
    ), diff[:MAX_DIFF_BYTES]


def _diff(folder: Path, paths: Sequence[str]) -> bytes:
    if not paths:
        return b""
    # By name, whatever characters are in it: a path is no pattern here.
    named = [f":(literal){path}" for path in paths]
    plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--relative")
    return _git(folder, "diff", *plain, "HEAD", "--", *named) or b""


def _is_module(entry: bytes) -> bool:
    return entry.startswith(b"160000 ")


def _git(folder: Path, *words: str) -> bytes | None:
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "-C", str(folder), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _parts(listed: bytes) -> list[bytes]:
    return [part for part in listed.split(b"\0") if part]


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _line(output: bytes | None) -> str | None:
    return (output or b"").decode("utf-8", "replace").strip() or None
