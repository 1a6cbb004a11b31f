"""Which files of a folder a snapshot takes: what git would, else what .gitignore files leave."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pathspec import GitIgnoreSpec

from pileus.core.schemas.code import MAX_BYTES, MAX_FILES, checked_path
from pileus.sdk.errors import SnapshotRefused
from pileus.sdk.snapshot import git
from pileus.sdk.snapshot.secrets import is_secret

_SKIPPED = {
    ".DS_Store",
    ".git",
    ".hg",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "node_modules",
}
"""Names that no snapshot takes, .gitignore or not: what they hold is made again from the rest."""

_SHOWN = 5
"""Files that a message names."""

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Found:
    """One file to take."""

    path: str
    """Below the folder, in NFC."""

    source: Path
    size: int
    is_executable: bool


@dataclass(frozen=True)
class Listing:
    """Files of a folder, by path; and those left out because of their names."""

    files: tuple[Found, ...]
    secrets: tuple[str, ...]


def list_files(folder: Path, *, include_secrets: bool = False) -> Listing:
    """What a snapshot of the folder takes. Raises SnapshotRefused."""
    if not folder.is_dir():
        raise SnapshotRefused(
            f"{str(folder)!r} is not a folder", hint="Name the folder that your code is in."
        )
    paths = sorted(_paths(folder, ""))
    secrets = tuple(path for path in paths if is_secret(path) and not include_secrets)
    root = folder.resolve()
    files = [_found(root, path) for path in paths if path not in set(secrets)]
    found = sorted((file for file in files if file is not None), key=lambda file: file.path)
    _check(folder, found)
    return Listing(tuple(found), secrets)


def _paths(folder: Path, below: str) -> Iterator[str]:
    listed = git.files(folder)
    for path in _walk(folder, "", []) if listed is None else listed:
        if not _SKIPPED.isdisjoint(path.split("/")):
            continue
        if path.endswith("/"):
            if not (folder / path / ".git").exists():
                continue  # a submodule that nobody has fetched
            yield from _paths(folder / path, f"{below}{path}")
        else:
            yield f"{below}{path}"


def _walk(folder: Path, below: str, specs: Sequence[tuple[str, GitIgnoreSpec]]) -> Iterator[str]:
    """Paths that the .gitignore files of the folder and of those above it leave."""
    rules = folder / ".gitignore"
    if rules.is_file():
        lines = rules.read_text(encoding="utf-8", errors="replace").splitlines()
        specs = [*specs, (below, GitIgnoreSpec.from_lines(lines))]
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = f"{below}{entry.name}"
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name in _SKIPPED or _is_ignored(path + "/" * is_folder, specs):
            continue
        if is_folder:
            yield from _walk(Path(entry.path), f"{path}/", specs)
        else:
            yield path


def _is_ignored(path: str, specs: Sequence[tuple[str, GitIgnoreSpec]]) -> bool:
    """As git does it: of all rules that match, the last of the nearest file decides."""
    for below, spec in reversed(specs):
        decided = spec.check_file(path.removeprefix(below)).include
        if decided is not None:
            return decided
    return False


def _found(root: Path, path: str) -> Found | None:
    """The file at `path`; None when git knows one that was deleted. Raises SnapshotRefused."""
    source = root / path
    try:
        status = source.lstat()
        if stat.S_ISLNK(status.st_mode):
            _check_link(root, path)
            status = source.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise SnapshotRefused(
            f"{path!r} is not a regular file, and a snapshot holds nothing else",
            hint="Remove it, or ignore it in .gitignore.",
        )
    try:
        name = checked_path(unicodedata.normalize("NFC", path))
    except ValueError as error:
        raise SnapshotRefused(
            f"A file cannot be taken: {error}", hint="Rename it, or ignore it in .gitignore."
        ) from error
    return Found(name, source, status.st_size, bool(status.st_mode & 0o100))


def _check_link(root: Path, path: str) -> None:
    target = (root / path).resolve()
    if not target.is_relative_to(root):
        raise SnapshotRefused(
            f"Symbolic link {path!r} leads out of the folder, to {str(target)!r}",
            hint="Copy what it leads to into the folder, or ignore it in .gitignore.",
        )
    if target.is_dir():
        raise SnapshotRefused(
            f"Symbolic link {path!r} leads to a folder, which a snapshot cannot hold twice",
            hint="Ignore it in .gitignore, or replace it by a copy.",
        )


def _check(folder: Path, files: Sequence[Found]) -> None:
    if not files:
        raise SnapshotRefused(
            f"{str(folder)!r} has no file that a snapshot would take",
            hint="Files that git ignores are left out, and those that hold secrets.",
        )
    for before, after in pairwise(files):
        if before.path == after.path:
            raise SnapshotRefused(
                f"Two files have the name {after.path!r}, written in two ways",
                hint="Rename one of them.",
            )
    total = sum(file.size for file in files)
    if total > MAX_BYTES or len(files) > MAX_FILES:
        largest = sorted(files, key=lambda file: -file.size)[:_SHOWN]
        named = ", ".join(f"{file.path} ({file.size / _MIB:.1f} MiB)" for file in largest)
        raise SnapshotRefused(
            f"{len(files):,} files with {total / _MIB:.1f} MiB are too much for a snapshot, which"
            f" takes {MAX_FILES:,} files and {MAX_BYTES // _MIB} MiB; the largest: {named}",
            hint="Ignore them in .gitignore; data belongs into a dataset.",
        )
