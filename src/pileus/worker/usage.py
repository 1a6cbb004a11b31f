"""Tells the server what attempts use, as their runners saw it last.

Beside the reports on which leases hang: one that is lost costs no more than that people see older
figures.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pileus.compute.files import read_json
from pileus.core.clock import Clock
from pileus.core.errors import PileusError
from pileus.core.schemas.usage import Sample, UsageReport
from pileus.worker.link import ServerLink

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How soon it is told that an attempt has its first sample, or is over."""

_MOST_BYTES = 64 * 1024


class UsageShipper:
    """Sends the samples of all attempts at once: when another attempt has one, and now and then."""

    def __init__(
        self,
        link: ServerLink,
        files: Callable[[], dict[str, Path]],
        node: Callable[[], str | None],
        boot_id: str,
        clock: Clock,
        every_seconds: float,
        devices: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """`files` gives, by attempt, the files that runners write; `node` the id of this node while
        the server knows it; `devices` how much of the time each accelerator is in use."""
        self._link = link
        self._files = files
        self._node = node
        self._boot_id = boot_id
        self._clock = clock
        self._every_seconds = every_seconds
        self._devices = devices
        self._told: frozenset[str] = frozenset()
        self._told_at = float("-inf")

    async def run(self) -> None:
        """Never returns."""
        while True:
            await self._clock.sleep(min(LOOK_SECONDS, self._every_seconds))
            await self.ship()

    async def ship(self) -> None:
        """Tell, if there is anything new to tell."""
        node, files = self._node(), self._files()
        now = self._clock.monotonic()
        is_due = now - self._told_at >= self._every_seconds
        written = await asyncio.to_thread(_written, files)
        if node is None or (written == self._told and not (is_due and written)):
            return
        paths = {attempt: files[attempt] for attempt in sorted(written)}
        samples = await asyncio.to_thread(_samples, paths, now)
        devices = dict(await asyncio.to_thread(self._devices)) if samples else {}
        report = UsageReport(boot_id=self._boot_id, samples=samples, devices=devices)
        self._told, self._told_at = written, now  # whether or not it arrives
        try:
            await self._link.tell_usage(node, report)
        except PileusError as error:
            log.debug("what attempts use is not told: %s", error)


def sample_in(attempt: str, path: Path, now: float) -> Sample | None:
    """What a runner wrote, `now` of the monotonic clock; None where there is nothing to believe.

    The attempt's own code may have written it.
    """
    document = read_json(path, _MOST_BYTES)
    if document is None:
        return None
    try:
        age_ms = round((now - float(document["taken_at"])) * 1000)
        # Ahead, if it was written while we looked.
        return Sample.model_validate({**document, "attempt": attempt, "age_ms": max(0, age_ms)})
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _written(files: dict[str, Path]) -> frozenset[str]:
    return frozenset(attempt for attempt, path in files.items() if path.exists())


def _samples(files: dict[str, Path], now: float) -> tuple[Sample, ...]:
    found: Iterable[Sample | None] = (sample_in(*item, now) for item in files.items())
    return tuple(sample for sample in found if sample is not None)
