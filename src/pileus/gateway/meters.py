"""
Exact counters of use, advanced before the answer is written.

Always: answered ≤ metered ≤ answered + in flight at kills.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pileus.core.schemas.metering import Counter, MeterReport
from pileus.gateway import meter_file
from pileus.gateway.errors import MetersFull
from pileus.gateway.files import private_directory
from pileus.gateway.meter_file import MeterFile, MeterKey

if TYPE_CHECKING:
    from pileus.gateway.boot import LaneBoot

log = logging.getLogger(__name__)


class Slot:
    """The counters of one key."""

    __slots__ = ("_base", "_words")

    def __init__(self, words: memoryview[int], base: int) -> None:
        self._words = words
        self._base = base

    def advance(self, *, predictions: int, bytes_in: int, bytes_out: int, errors: int) -> None:
        """Count one request. `predictions` are rows answered; a failure is free."""
        words, base = self._words, self._base
        words[base] += 1
        words[base + 1] += predictions
        words[base + 2] += bytes_in
        words[base + 3] += bytes_out
        words[base + 4] += errors


class Meters:
    """The counters of this lane boot."""

    def __init__(
        self, directory: Path, boot: LaneBoot, *, slots_per_file: int = meter_file.SLOTS
    ) -> None:
        self._directory = private_directory(directory)
        self._boot = boot
        self._slots_per_file = slots_per_file
        self._slots: dict[MeterKey, Slot] = {}
        self._files = [self._grow(0)]

    def slot(self, key: MeterKey) -> Slot:
        """The counters of `key`. Raises MetersFull: what cannot be metered is not answered."""
        slot = self._slots.get(key)
        if slot is None:
            if self._files[-1].is_full:
                self._files.append(self._grow(len(self._files)))
            file = self._files[-1]
            slot = self._slots[key] = Slot(file.words, file.add(key))
        return slot

    def report(self, *, final: bool = False) -> MeterReport:
        """All counters, absolute."""
        return report(self._files, final=final)

    def close(self) -> None:
        """Flush; the files stay until the server has taken a final report."""
        for file in self._files:
            file.flush()
            file.close()

    def delete(self) -> None:
        """The server has taken the final report."""
        for file in self._files:
            file.delete()

    def _grow(self, part: int) -> MeterFile:
        try:
            return meter_file.create(self._directory, self._boot, part, self._slots_per_file)
        except OSError as error:
            raise MetersFull(
                f"No room for meters in {str(self._directory)!r}: {error.strerror}",
                hint="Free space on the disk; predictions that cannot be metered are refused.",
            ) from error


class DeadMeters:
    """The files of a boot that is over, held until the server has taken them."""

    def __init__(self, files: list[MeterFile]) -> None:
        self._files = files

    def report(self) -> MeterReport:
        return report(self._files, final=True)

    def delete(self) -> None:
        for file in self._files:
            file.delete()

    def close(self) -> None:
        for file in self._files:
            file.close()


def report(files: Iterable[MeterFile], *, final: bool) -> MeterReport:
    """Counters of one boot. The sequence is their sum: it grows exactly when one of them does."""
    files = list(files)
    used = [slot for file in files for slot in file.slots()]
    counters = tuple(_counter(slot, key, *values) for slot, key, values in used)
    sequence = sum(sum(values) for _, _, values in used)
    header = files[0].header
    return MeterReport(
        source=header.source, lane=header.lane, sequence=sequence, final=final, counters=counters
    )


def find_dead(directory: Path) -> list[DeadMeters]:
    """Boots that ended without their final report being taken."""
    for path in directory.glob(f"*{meter_file.UNFINISHED}"):
        meter_file.delete_unfinished(path)
    by_source: dict[str, list[MeterFile]] = {}
    for path in sorted(directory.glob(f"*{meter_file.SUFFIX}")):
        try:
            file = meter_file.open_dead(path)
        except (OSError, ValueError, msgspec.DecodeError):
            log.exception("cannot read the meter file %s; it stays where it is", path)
            continue
        if file is not None:
            by_source.setdefault(file.header.source, []).append(file)
    return [DeadMeters(files) for files in by_source.values()]


def _counter(
    slot: int,
    key: MeterKey,
    requests: int,
    predictions: int,
    bytes_in: int,
    bytes_out: int,
    errors: int,
) -> Counter:
    """Parameters in the order of a slot's words."""
    return Counter(
        slot=slot,
        project=key.project,
        token=key.token,
        revision=key.revision,
        price_id=key.price_id,
        requests=requests,
        predictions=predictions,
        bytes_in=bytes_in,
        bytes_out=bytes_out,
        errors=errors,
    )
