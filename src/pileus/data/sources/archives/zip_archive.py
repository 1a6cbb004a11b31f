"""Zip archives, by the standard library."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pileus.data.errors import ArchiveRefused
from pileus.data.sources.gathering import Gathered
from pileus.data.sources.scratch import ScratchFiles

ENDINGS = (".zip",)
_CHUNK_BYTES = 1024 * 1024
_ENCRYPTED = 0x1
_UTF_8 = 0x800


def unpack_zip(path: Path, name: str, into: ScratchFiles, gathered: Gathered) -> None:
    """All members of a zip archive. Raises ArchiveRefused if it is none, or no whole one."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            into.expect(sum(member.file_size for member in members))
            for member in members:
                try:
                    _unpack(archive, member, name, into)
                except ArchiveRefused as error:
                    gathered.add(error, f"{name}/{_name(member)}")
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ArchiveRefused(
            f"{name!r} is not a whole zip archive: {error}", hint="Fetch or pack it again."
        ) from error


def _unpack(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, into: ScratchFiles
) -> None:
    inner = _name(member)
    mode = stat.S_IFMT(member.external_attr >> 16)
    if mode and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        what = "a link" if stat.S_ISLNK(mode) else "a device or pipe"
        raise ArchiveRefused(
            f"{name!r} holds {inner!r}, which is {what}",
            hint="Pack it again with a copy of the file in its place.",
        )
    if member.flag_bits & _ENCRYPTED:
        raise ArchiveRefused(
            f"{name!r} holds {inner!r}, which is encrypted", hint="Unpack it with its password."
        )
    if member.is_dir():
        into.folder(inner)
        return
    try:
        with archive.open(member) as stream:
            into.write(inner, _chunks(stream))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise ArchiveRefused(
            f"{name!r} holds {inner!r}, which is damaged: {error}", hint="Fetch or pack it again."
        ) from error
    except (NotImplementedError, RuntimeError) as error:
        raise ArchiveRefused(
            f"{name!r} holds {inner!r}, packed in a way that is not read: {error}",
            hint="Pack it again with deflate, the usual way.",
        ) from error


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def _name(member: zipfile.ZipInfo) -> str:
    """The member's name; many programs write UTF-8 and do not say so."""
    if member.flag_bits & _UTF_8 or member.filename.isascii():
        return member.filename
    try:
        return member.filename.encode("cp437").decode()
    except UnicodeError:
        return member.filename
