"""Tar archives, plain or compressed, by the standard library."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from pileus.data.errors import ArchiveRefused
from pileus.data.sources.gathering import Gathered
from pileus.data.sources.scratch import ScratchFiles

_OPENERS: dict[str, Callable[[Path], Any]] = {
    ".tar": lambda path: path.open("rb"),
    ".tar.gz": gzip.open,
    ".tgz": gzip.open,
    ".tar.bz2": bz2.open,
    ".tbz2": bz2.open,
    ".tar.xz": lzma.open,
    ".txz": lzma.open,
}
ENDINGS = tuple(_OPENERS)
_CHUNK_BYTES = 1024 * 1024
_DAMAGES = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, ValueError)


def unpack_tar(path: Path, name: str, into: ScratchFiles, gathered: Gathered) -> None:
    """All members of a tar archive. Raises ArchiveRefused if it is none, or no whole one."""
    ending = next(one for one in reversed(ENDINGS) if name.lower().endswith(one))
    before = "its first member"
    try:
        with (
            cast("IO[bytes]", _OPENERS[ending](path)) as stream,
            tarfile.open(fileobj=stream, mode="r:") as archive,
        ):
            while (member := archive.next()) is not None:
                before = repr(member.name)
                archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                try:
                    _unpack(archive, member, name, into)
                except ArchiveRefused as error:
                    gathered.add(error, f"{name}/{member.name}")
            _check_end(stream, archive.offset)
    except _DAMAGES as error:
        raise ArchiveRefused(
            f"{name!r} is not a whole tar archive; reading ended at {before}: {error}",
            hint="Fetch or pack it again.",
        ) from error


def _unpack(
    archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, into: ScratchFiles
) -> None:
    if not member.isreg() and not member.isdir():
        what = "a link" if member.issym() or member.islnk() else "a device or pipe"
        raise ArchiveRefused(
            f"{name!r} holds {member.name!r}, which is {what}",
            hint="Pack it again with a copy of the file in its place.",
        )
    inner = member.name.removeprefix("./")
    if member.isdir():
        if inner not in {"", "."}:
            into.folder(inner)
        return
    try:
        tarfile.data_filter(member, str(into.root))
    except tarfile.FilterError as error:
        raise ArchiveRefused(
            f"{name!r} holds {member.name!r}, which leads out of it: {error}",
            hint="Pack it again from inside its folder, with plain relative names.",
        ) from error
    into.expect(member.size)
    stream = archive.extractfile(member)
    if stream is not None:
        into.write(inner, _chunks(stream))


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def _check_end(stream: IO[bytes], offset: int) -> None:
    """Tar ends with a block of zeros; without it, members may be missing, and nobody says so."""
    stream.seek(offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("there is no mark of its end")
    while stream.read(_CHUNK_BYTES):
        pass  # the checksum of a compressed file comes last
