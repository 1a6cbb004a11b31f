"""One array of an `.npz` file, read some rows at a time; never unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pileus.data.errors import ArraysRefused
from pileus.data.sources.reading import unreadable
from pileus.data.sources.scratch import ScratchFiles, most_unpacked, refuse_bomb

Array = NDArray[Any]
_BLOCK_BYTES = 4_000_000
_KINDS = "biufUSM"
"""Booleans, integers, floats, texts, bytes, dates: one value for each place."""


class Member(NamedTuple):
    """An array: the name it was saved under, and what its header says."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool

    @property
    def rows(self) -> int:
        """Length along the first axis."""
        return self.shape[0] if self.shape else 0

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize


class Archive:
    """An `.npz` file: a zip of arrays."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    def members(self) -> dict[str, Member]:
        """Every array by its name.

        Raises ArraysRefused for what is not plain values, ArchiveTooLarge for a decompression bomb.
        """
        found: dict[str, Member] = {}
        try:
            with zipfile.ZipFile(self._path) as archive:
                entries = archive.infolist()
                # No more is ever read of a member than is said here, however it is packed.
                refuse_bomb(
                    sum(entry.file_size for entry in entries),
                    most_unpacked(self._path.stat().st_size),
                    repr(self._name),
                    "save it with np.savez, which does not compress",
                )
                for entry in entries:
                    if entry.filename.endswith(".npy"):
                        with archive.open(entry) as stream:
                            name = entry.filename.removesuffix(".npy")
                            found[name] = self._header(stream, name)
        except OSError as error:
            raise unreadable(self._name, error) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise self._damaged(str(error)) from error
        return found

    def blocks(self, member: Member, rows: int, scratch: Path) -> Iterator[Array]:
        """The array, `rows` rows at a time."""
        try:
            with (
                zipfile.ZipFile(self._path) as archive,
                archive.open(f"{member.name}.npy") as stream,
            ):
                self._header(stream, member.name)
                if member.is_fortran and len(member.shape) > 1:
                    yield from self._columnar(stream, member, rows, scratch)
                    return
                for start in range(0, member.rows, rows):
                    shape = (min(rows, member.rows - start), *member.shape[1:])
                    data = self._exactly(stream, shape[0] * member.row_bytes, member)
                    yield np.frombuffer(data, dtype=member.dtype).reshape(shape)
                # The checksum of the zip is compared when the end is read.
                if stream.read(1):
                    raise self._damaged(f"array {member.name!r} goes on after its end")
        except OSError as error:
            raise unreadable(self._name, error) from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise self._damaged(str(error)) from error

    def _columnar(
        self, stream: IO[bytes], member: Member, rows: int, scratch: Path
    ) -> Iterator[Array]:
        """An array that lies column by column is unpacked to disk, to be read by rows."""
        size = member.rows * member.row_bytes
        # Of its own for each array: an array is gone from the disk before the next one comes.
        files = ScratchFiles(scratch, f"Array {member.name!r} of {self._name!r}")
        files.expect(size)
        name = f"{len(list(scratch.iterdir()))}.array"
        files.write(name, self._pieces(stream, size, member))
        if stream.read(1):
            raise self._damaged(f"array {member.name!r} goes on after its end")
        path = scratch / name
        for start in range(0, member.rows, rows):
            # Mapped anew each time: what was read of a mapping is memory of the process until then.
            values = np.memmap(path, dtype=member.dtype, mode="r", shape=member.shape, order="F")
            yield np.array(values[start : start + rows], order="C")
        path.unlink()

    def _pieces(self, stream: IO[bytes], size: int, member: Member) -> Iterator[bytes]:
        for start in range(0, size, _BLOCK_BYTES):
            yield self._exactly(stream, min(size - start, _BLOCK_BYTES), member)

    def _header(self, stream: IO[bytes], name: str) -> Member:
        try:
            version = npy.read_magic(stream)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, is_fortran, dtype = read(stream)
        except ValueError as error:
            raise self._damaged(f"array {name!r}: {error}") from error
        if dtype.kind not in _KINDS:
            what = "Python objects" if dtype.hasobject else f"values of type {dtype}"
            raise ArraysRefused(
                f"Array {name!r} of {self._name!r} holds {what}",
                hint="Save it as numbers, texts or dates: objects are pickled, and never loaded.",
            )
        return Member(name, tuple(map(int, shape)), dtype, bool(is_fortran))

    def _exactly(self, stream: IO[bytes], count: int, member: Member) -> bytes:
        data = stream.read(count)
        if len(data) != count:
            raise self._damaged(f"array {member.name!r} ends before its header says")
        return data

    def _damaged(self, why: str) -> ArraysRefused:
        return ArraysRefused(
            f"{self._name!r} is not a whole file of arrays: {why}", hint="Fetch or save it again."
        )
