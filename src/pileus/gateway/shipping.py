"""
Hands meters and records to the server, those of lanes that died included.

Everything is repeated until the server says that it has it: it takes both by high-water mark.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pileus.core.errors import PileusError
from pileus.core.failpoints import failpoint
from pileus.gateway.meters import DeadMeters, find_dead
from pileus.gateway.segments import SealedSegment, drop, drop_oldest, seal_dead, sealed_segments
from pileus.sdk.link import ServerAway

if TYPE_CHECKING:
    from pileus.core.clock import Clock
    from pileus.gateway.link import ServerLink
    from pileus.gateway.meters import Meters
    from pileus.gateway.records import Records

log = logging.getLogger(__name__)

_MAX_RETRY_SECONDS = 5.0

PROJECT_GONE = "project_not_found"
"""What the server says of the records of a deleted project: nobody will ever want them."""


class Shipper:
    """What this lane still owes the server."""

    def __init__(
        self,
        link: ServerLink,
        meters: Meters,
        records: Records,
        clock: Clock,
        *,
        directory: Path,
        max_segments_bytes: int,
        ship_seconds: float,
    ) -> None:
        self._link = link
        self._meters = meters
        self._records = records
        self._clock = clock
        self._segments = directory / "segments"
        self._max_segments_bytes = max_segments_bytes
        self._ship_seconds = ship_seconds
        self.taken = 0
        """Sequence of our meters that the server has taken."""

        self.rounds = {"ok": 0, "failed": 0}
        """Outcome → rounds since the start."""

        self._is_away = False
        self._reported_drops = 0
        seal_dead(self._segments)
        self._dead = find_dead(directory / "meters")

    async def run(self) -> None:
        """Ship for ever."""
        delay = self._ship_seconds
        while True:
            self._records.seal_due()
            is_shipped = await self.ship()
            self._note_drops()
            delay = self._ship_seconds if is_shipped else min(2 * delay, _MAX_RETRY_SECONDS)
            # Segments are sealed on time even while the server is away.
            waited = 0.0
            while waited < delay:
                await self._clock.sleep(self._ship_seconds)
                waited += self._ship_seconds
                self._records.seal_due()

    async def ship(self) -> bool:
        """One round; False when something has to be tried again."""
        try:
            await self._ship_dead()
            await self._ship_meters()
            await self._ship_segments()
        except (PileusError, OSError) as error:
            if not self._is_away:
                log.warning("meters and records wait: %s", error)
            self._is_away = True
            self.rounds["failed"] += 1
            self._bound_segments()
            return False
        if self._is_away:
            log.info("meters and records are shipped again")
        self._is_away = False
        self.rounds["ok"] += 1
        return True

    def waiting(self) -> list[SealedSegment]:
        """Segments that the server has not taken yet."""
        return sealed_segments(self._segments)

    async def finish(self) -> bool:
        """The last round of this boot; True when the server has taken the final report."""
        if not await self.ship():
            return False
        report = self._meters.report(final=True)
        try:
            return await self._link.push_meters(report) >= report.sequence
        except PileusError as error:
            log.warning("the next boot ships the final meters: %s", error)
            return False

    def close(self) -> None:
        """Let go of the files of dead lanes; the next boot finds them again."""
        for dead in self._dead:
            dead.close()

    async def _ship_dead(self) -> None:
        waiting: list[DeadMeters] = []
        problem: PileusError | None = None
        for dead in self._dead:
            report = dead.report()
            try:
                taken = await self._link.push_meters(report)
            except PileusError as error:
                problem = error
                waiting.append(dead)
                continue
            if taken >= report.sequence:
                failpoint("dead_meters.taken")
                dead.delete()
            else:
                waiting.append(dead)
        self._dead = waiting
        if problem is not None:
            raise problem

    async def _ship_meters(self) -> None:
        report = self._meters.report()
        if report.sequence > self.taken:
            self.taken = await self._link.push_meters(report)

    async def _ship_segments(self) -> None:
        segments = sealed_segments(self._segments)
        problem: PileusError | None = None
        for segment in segments:
            try:
                await self._link.put_segment(segment, segment.path.read_bytes())
            except FileNotFoundError:
                continue  # another lane of this home shipped it
            except PileusError as error:
                if error.code == PROJECT_GONE:
                    self._records.dropped += drop(segment)
                    continue
                problem = error
                if isinstance(error, ServerAway):
                    break
                continue
            failpoint("segment.taken")
            segment.path.unlink(missing_ok=True)
        if problem is not None:
            raise problem

    def _bound_segments(self) -> None:
        segments = sealed_segments(self._segments)
        self._records.dropped += drop_oldest(segments, self._max_segments_bytes)

    def _note_drops(self) -> None:
        if self._records.dropped > self._reported_drops:
            log.error(
                "%d records of predictions were dropped so far; meters are complete",
                self._records.dropped,
            )
            self._reported_drops = self._records.dropped
