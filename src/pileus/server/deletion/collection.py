"""Removes for good what nothing names: rows whose grace is over, blobs, files, old bookkeeping.

Rows go first and files after them, so a kill anywhere leaves at worst a file that no row names,
which the next round removes; never a row whose bytes are gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from pileus.core.clock import Clock
from pileus.core.failpoints import failpoint
from pileus.core.schemas.deletion import Collected, Tombstone
from pileus.jobs.store import LIVE, attempts
from pileus.metering.storage import (
    StorageAccount,
    StoredBlob,
    projects_with_blobs,
    stored_in,
)
from pileus.security.store import projects, tombstones
from pileus.security.tables import KEPT_ROWS
from pileus.security.tombstones import Tombstones
from pileus.server.deletion.code import forget_unused
from pileus.server.deletion.fates import tables_of_a_project
from pileus.server.deletion.marking import named_by_the_deleted, named_by_the_living
from pileus.server.deletion.settings import DeletionSettings
from pileus.serving.tables import SEGMENTS
from pileus.storage.blob import BlobStore
from pileus.storage.database import Database
from pileus.storage.idempotency import IDEMPOTENCY
from pileus.storage.transaction import Condition, Snapshot, Transaction
from pileus.tracking.tables import METRIC_MARKS

log = logging.getLogger(__name__)

SETTLING = timedelta(hours=1)
"""A file younger than this may be an upload whose row is still to be written: milliseconds as a
rule, so an hour is beyond doubt."""


FIRST_SECONDS = 60.0
"""A server that was killed in the middle of a round, or is never up for long, collects all the same;
what comes up with it goes first."""


class KeyShredder(Protocol):
    """Makes what is encrypted for a project unreadable wherever a copy of it is."""

    async def shred(self, project: str) -> None:
        """Destroy the project's keys. Repeating it changes nothing."""
        ...


@dataclass(frozen=True)
class _Due:
    """What a snapshot says can go."""

    expired: list[Tombstone]
    blobs: dict[str, list[StoredBlob]]
    projects: list[str]


class Collector:
    """Goes over everything, a transaction per project."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        blobs: BlobStore,
        storage: StorageAccount,
        buried: Tombstones,
        keys: KeyShredder,
        settings: DeletionSettings,
        is_held: Callable[[], bool] = lambda: False,
    ) -> None:
        """While `is_held`, somebody copies blobs, and none is removed."""
        self._database = database
        self._clock = clock
        self._blobs = blobs
        self._storage = storage
        self._buried = buried
        self._keys = keys
        self._settings = settings
        self._is_held = is_held
        self._one_round = asyncio.Lock()

    async def run(self, due: asyncio.Event) -> None:
        """Collect for ever: soon after the start, every `collect_seconds`, when `due` is set."""
        pause = min(FIRST_SECONDS, self._settings.collect_seconds)
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(due.wait(), pause)
            due.clear()
            pause = self._settings.collect_seconds
            try:
                collected = await self.collect()
            except Exception:
                # What is left is as it was; the next round takes it up.
                log.exception("A round of collection failed")
            else:
                log.info("Collected: %s", collected.model_dump(exclude={"is_dry_run"}))

    async def collect(self, *, is_dry_run: bool = False) -> Collected:
        """One round, one at a time; how much went, or would go."""
        async with self._one_round:
            return await (self._say() if is_dry_run else self._collect())

    async def _say(self) -> Collected:
        found = await self._database.read(self._look)
        lost = [blob for blobs in found.blobs.values() for blob in blobs]
        return Collected(
            is_dry_run=True,
            tombstones=len(found.expired),
            blobs=len(lost),
            bytes=sum(blob.size for blob in lost),
        )

    async def _collect(self) -> Collected:
        found = await self._database.read(self._look)
        files, expired = 0, [] if self._is_held() else found.expired
        for tombstone in expired:
            files += await self._expire(tombstone)
        records, keys, changes = await self._database.write(self._trim)
        # Read again: what has just expired, or was trimmed, names nothing any more.
        found = await self._database.read(self._look)
        gone: list[StoredBlob] = []
        for project in found.projects:
            if self._is_held():
                log.info("Blobs stay where they are until a backup has copied them")
                break
            if lost := [blob.digest for blob in found.blobs.get(project, ())]:
                forget = partial(self._forget, project=project, among=lost)
                gone += await self._database.write(forget)
                failpoint("blobs.forgotten")
            files += await self._sweep(project, self._clock.now() - SETTLING)
        return Collected(
            is_dry_run=False,
            tombstones=len(expired),
            blobs=len(gone),
            bytes=sum(blob.size for blob in gone),
            files=files,
            records=records,
            keys=keys,
            changes=changes,
        )

    def _look(self, snapshot: Snapshot) -> _Due:
        expired = tombstones.find(
            snapshot,
            [("collected_at", "=", None), ("kept_until", "<=", snapshot.now)],
            order=["id"],
        )
        known = {project.id for project in projects.find(snapshot)}
        known |= set(projects_with_blobs(snapshot))
        over = {tombstone.id for tombstone in expired}
        shut = {tombstone.subject for tombstone in expired if tombstone.noun == "project"}
        blobs = {
            project: stored_in(snapshot, project)
            if project in shut
            else self._lost(snapshot, project, over)
            for project in sorted(known)
        }
        return _Due(expired, blobs, sorted(known))

    def _lost(
        self,
        snapshot: Snapshot,
        project: str,
        over: Collection[str] = (),
        among: Collection[str] | None = None,
    ) -> list[StoredBlob]:
        """Blobs that nothing names: freed ones at once, left over ones when nobody has announced
        them for the grace of uploads."""
        since = self._left_over_since(snapshot, project)
        old = [
            blob
            for blob in stored_in(snapshot, project, among)
            if blob.is_freed or blob.announced_at < since
        ]
        if not old:
            return []
        named = named_by_the_living(snapshot, project, [blob.digest for blob in old])
        named |= named_by_the_deleted(snapshot, project, over)
        return [blob for blob in old if blob.digest not in named]

    def _left_over_since(self, snapshot: Snapshot, project: str) -> datetime:
        """What was announced later may still be named: by its uploader, or by an attempt that
        uploads what it left and reports it when it can."""
        since = snapshot.now - timedelta(hours=self._settings.upload_grace_hours)
        live: list[Condition] = [("project", "=", project), ("status", "in", LIVE)]
        running = attempts.find(snapshot, live, order=["created_at"], limit=1)
        return min([since, *(attempt.created_at for attempt in running)])

    def _forget(
        self, transaction: Transaction, project: str, among: Collection[str]
    ) -> list[StoredBlob]:
        """Remove the rows of those that are still lost, now that nobody can name them."""
        lost = self._lost(transaction, project, among=among)
        self._storage.forget(transaction, project, [blob.digest for blob in lost])
        return lost

    async def _sweep(self, project: str, before: datetime) -> int:
        kept = await self._database.read(
            lambda snapshot: {blob.digest for blob in stored_in(snapshot, project)}
        )
        return await self._blobs.sweep(project, kept, before)

    async def _expire(self, tombstone: Tombstone) -> int:
        """Remove the rows of one deletion; files that went with it."""
        files = 0
        if tombstone.noun == "project":
            project = tombstone.subject
            await self._database.write(partial(self._empty, tombstone=tombstone))
            failpoint("project.emptied")
            # Its tombstone says that it was collected only when this is done: a kill repeats it.
            files = await self._sweep(project, self._clock.now() + timedelta(seconds=1))
            await self._keys.shred(project)
            failpoint("project.shredded")
        await self._database.write(partial(self._buried.collect, tombstone=tombstone))
        return files

    def _empty(self, transaction: Transaction, tombstone: Tombstone) -> None:
        """Remove every row of a deleted project that is not kept for good."""
        project = tombstone.subject
        transaction.delete(KEPT_ROWS, [("tombstone", "=", tombstone.id)])
        for attempt in attempts.find(transaction, [("project", "=", project)]):
            transaction.delete(METRIC_MARKS, [("attempt", "=", attempt.id)])
        for table in tables_of_a_project():
            transaction.delete(table, [("project", "=", project)])
        self._storage.forget_all(transaction, project)
        left: list[Condition] = [("project", "=", project), ("collected_at", "=", None)]
        for inner in tombstones.find(transaction, left):
            self._buried.collect(transaction, inner)

    def _trim(self, transaction: Transaction) -> tuple[int, int, int]:
        """Segments of records, idempotency keys and feed entries that are older than is kept.

        Code snapshots that nothing names go as well; they count as the blobs that they were.
        """
        now, settings = transaction.now, self._settings
        records = 0
        if settings.records_days is not None:
            age = timedelta(days=settings.records_days)
            records = transaction.delete(SEGMENTS, [("created_at", "<", now - age)])
        age = timedelta(days=settings.idempotency_days)
        keys = transaction.delete(IDEMPOTENCY, [("created_at", "<", now - age)])
        forget_unused(transaction, now - timedelta(hours=settings.upload_grace_hours))
        return records, keys, transaction.trim_changes(settings.feed_entries)
