"""Makes the items of a dataset version files again: images in class folders, a table as CSV.

Everything is written beside its place under another name and renamed at the end, so a kill leaves
nothing that could be taken for an export. What it does leave, the next export to that place mends.
"""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pileus.cli.downloads import below
from pileus.core.directory_locks import lock_directory
from pileus.core.errors import Conflict, InvalidRequest
from pileus.core.failpoints import failpoint
from pileus.data.cells import row_bytes

if TYPE_CHECKING:
    from pileus.sdk import Client

Item = Sequence[Any]
"""path, label, sha256, size, split, pack, offset: as the manifest has it."""

Plan = Mapping[str, list[Item]]
"""File to write → the items that it is made of."""

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")

_OLD = "old"
"""What makes room for a new export is called so until that has its name."""

_RANDOM = "[a-z0-9_]" * 8
"""What `tempfile.mkdtemp` adds to a name."""


class ExportInTheWay(Conflict, code="export_in_the_way"):
    """Something else is where an export should go."""


def export_items(
    client: Client,
    version: Mapping[str, Any],
    target: Path,
    split: str | None = None,
    limit: int | None = None,
    *,
    replace: bool = False,
) -> list[Path]:
    """The files of `target`, a directory: items of one split, or of both.

    A directory that holds the same already is left as it is. Raises ExportInTheWay for another one,
    unless it is to be replaced; InvalidRequest for a place that cannot be written.
    """
    manifest = json.loads(client.blobs.get(version["manifest"]))
    plan = planned(manifest, split, limit)
    _mend(target)
    found = _files(target)
    if found and not replace and set(found) != set(plan):
        raise _in_the_way(target)
    with _beside(target) as scratch:
        made = scratch / "made"
        _write(client, manifest, plan, made, limit)
        if found and not replace:
            if any((target / place).read_bytes() != (made / place).read_bytes() for place in plan):
                raise _in_the_way(target)
        else:
            _put(made, target, scratch / _OLD)
    return [target / place for place in plan]


def export_archive(
    client: Client,
    version: Mapping[str, Any],
    target: Path,
    split: str | None = None,
    limit: int | None = None,
    *,
    replace: bool = False,
) -> list[str]:
    """The names in `target`, one tar or zip file with what a directory would hold.

    Raises ExportInTheWay, InvalidRequest.
    """
    if not target.name.lower().endswith(ARCHIVES):
        raise InvalidRequest(
            f"{target.name!r} is not the name of an archive",
            hint=f"End it in one of {', '.join(ARCHIVES)}.",
        )
    if target.exists() and (not replace or target.is_dir()):
        raise _in_the_way(target)
    manifest = json.loads(client.blobs.get(version["manifest"]))
    plan = planned(manifest, split, limit)
    _mend(target)
    with _beside(target) as scratch:
        _write(client, manifest, plan, scratch / "made", limit)
        archive = scratch / target.name
        _archive(scratch / "made", sorted(plan), archive)
        failpoint("export.archived")
        archive.replace(target)
    return sorted(plan)


def planned(manifest: Mapping[str, Any], split: str | None, limit: int | None) -> Plan:
    """What is written where; of a table, `limit` counts rows and is heeded when they are read."""
    items = [item for item in manifest["items"] if split in {None, item[4]}]
    if manifest["kind"] == "table":
        sides: dict[str, list[Item]] = {}
        for item in sorted(items):
            sides.setdefault(f"{item[4]}.csv", []).append(item)
        return sides
    plan: dict[str, list[Item]] = {}
    for item in items[:limit]:
        place = PurePosixPath(placed(item[0], item[1]))
        free, number = place, 1
        while str(free) in plan:  # of one class, from two folders
            number += 1
            free = place.with_stem(f"{place.stem}-{number}")
        plan[str(free)] = [item]
    return plan


def placed(path: str, label: str) -> str:
    """Where an image goes: below a folder named after its class, as `dataset create` reads it."""
    own = PurePosixPath(path)
    return path if label in own.parts[:-1] else str(PurePosixPath(label) / own.name)


def _write(
    client: Client, manifest: Mapping[str, Any], plan: Plan, directory: Path, limit: int | None
) -> None:
    directory.mkdir()
    is_table = manifest["kind"] == "table"
    held: tuple[int, bytes] = (-1, b"")
    # Files of one pack follow each other, so that each is fetched once and one is held at a time.
    for place, items in sorted(plan.items(), key=lambda entry: entry[1][0][5]):
        path = below(directory, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        left = limit
        with path.open("wb") as file:
            for number, item in enumerate(items):
                _, _, sha256, size, _, pack, offset = item
                if held[0] != pack:
                    held = (pack, client.blobs.get(manifest["packs"][pack]["digest"]))
                data = held[1][offset : offset + size]
                if hashlib.sha256(data).hexdigest() != sha256:
                    raise Conflict(
                        f"Item {item[0]!r} is not the bytes that the manifest names",
                        hint="Look into the server's blobs; ingest the data again.",
                    )
                if is_table:
                    data, left = _rows(data, left, with_header=number == 0)
                file.write(data)


def _rows(part: bytes, left: int | None, *, with_header: bool) -> tuple[bytes, int | None]:
    """The rows of a part of a table, at most `left`; and how many may still come."""
    rows = csv.reader(io.StringIO(part.decode(), newline=""), strict=True)
    header = row_bytes(next(rows))
    if left is None:
        return (part if with_header else part[len(header) :]), None
    lines = [row_bytes(row) for _, row in zip(range(left), rows, strict=False)]
    return (header if with_header else b"") + b"".join(lines), left - len(lines)


def _files(directory: Path) -> list[str]:
    if directory.exists() and not directory.is_dir():
        raise _in_the_way(directory)
    return [
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_symlink() or not path.is_dir()
    ]


def _put(made: Path, target: Path, old: Path) -> None:
    """`made` in the place of `target`, which stays if that fails."""
    is_replaced = target.is_dir()
    if is_replaced:
        target.rename(old)
    failpoint("export.made")
    try:
        made.rename(target)
    except OSError:
        if is_replaced:
            old.rename(target)
        raise


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A directory on the same disk, gone at the end. Raises InvalidRequest."""
    scratch = lock = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=_scratch_prefix(target), dir=target.parent))
        with suppress(OSError):  # no locks there: nobody will take it for abandoned
            lock = lock_directory(scratch)
        yield scratch
    except OSError as error:
        raise InvalidRequest(
            f"{str(target)!r} cannot be written: {error.strerror}", hint="Choose another place."
        ) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _mend(target: Path) -> None:
    """Remove what killed exports left beside `target`; what had made room for one comes back."""
    # What a person called like that is theirs, so all of the name has to be as `_beside` makes it.
    for scratch in target.parent.glob(glob.escape(_scratch_prefix(target)) + _RANDOM):
        with suppress(OSError):
            if (lock := lock_directory(scratch)) is None:
                continue  # somebody is exporting there now
            try:
                if (scratch / _OLD).exists() and not target.exists():
                    (scratch / _OLD).rename(target)
                shutil.rmtree(scratch, ignore_errors=True)
            finally:
                os.close(lock)


def _scratch_prefix(target: Path) -> str:
    return f".{target.name}.part-"


def _archive(directory: Path, places: Sequence[str], target: Path) -> None:
    if target.name.lower().endswith(".zip"):
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for place in places:
                archive.write(directory / place, place)
        return
    compression = "w" if target.name.lower().endswith(".tar") else "w:gz"
    with tarfile.open(target, compression) as tar:  # type: ignore[call-overload]
        for place in places:
            tar.add(directory / place, place)


def _in_the_way(target: Path) -> ExportInTheWay:
    return ExportInTheWay(
        f"{str(target)!r} is there already and holds something else",
        hint="Choose another place, or say --replace.",
    )
