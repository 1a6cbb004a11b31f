"""What each node should be running: all of it read once, then what the change feed names.

Nodes ask again and again, and each end of one of many attempts is news: to read the others anew for
each would take longer than all else that is done for it.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection

from pileus.jobs.store import MOST_GLANCED_AT, Held, attempts_held, changes_since, held_on
from pileus.jobs.tables import ATTEMPTS, JOBS, LEASES
from pileus.storage.transaction import Snapshot


class HeldMirror:
    """What nodes hold, kept from one reading to the next; it changes how long a reading takes and not
    what it returns. Several threads may read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._seq: int | None = None
        """How far the change feed was followed; None before anything was read."""

        self._held: dict[str, Held] = {}
        self._on: dict[str, set[str]] = defaultdict(set)
        """Node → attempts."""

        self._of_job: dict[str, set[str]] = defaultdict(set)
        """Job → attempts."""

        self._of_lease: dict[str, str] = {}
        """Lease → attempt."""

    def is_close(self, last: int) -> bool:
        """Whether there is little to read up to that change, and nobody who reads just now."""
        is_near = self._seq is not None and last - self._seq <= MOST_GLANCED_AT
        return is_near and not self._lock.locked()

    def on(self, snapshot: Snapshot, node: str) -> list[Held]:
        """The attempts that a node should be running, by id."""
        last = snapshot.last_change()
        with self._lock:
            if self._seq is None or last >= self._seq:
                self._follow(snapshot, last)
                return [self._held[attempt] for attempt in sorted(self._on.get(node, ()))]
        return held_on(snapshot, node)  # another thread has read a later state

    def _follow(self, snapshot: Snapshot, last: int) -> None:
        changed = None if self._seq is None else self._changed(snapshot, self._seq)
        # Read first: where that fails, the next reading finds what it compares with.
        if changed is None:
            found = attempts_held(snapshot)
            self._clear()
            self._take(found)
        elif changed:
            found = attempts_held(snapshot, changed)
            self._forget(changed)
            self._take(found)
        self._seq = last

    def _changed(self, snapshot: Snapshot, after: int) -> set[str] | None:
        """Attempts whose row, lease or job has changed; None where the feed does not go back so far."""
        changes = changes_since(snapshot, after)
        if changes is None:
            return None
        found: set[str] = set()
        for change in changes:
            if change.noun == ATTEMPTS.noun:
                found.add(change.id)
            elif change.noun == JOBS.noun:
                found |= self._of_job.get(change.id, set())
            elif change.noun == LEASES.noun and change.id in self._of_lease:
                found.add(self._of_lease[change.id])
        return found

    def _forget(self, changed: Collection[str]) -> None:
        for attempt in changed:
            held = self._held.pop(attempt, None)
            if held is not None:
                del self._of_lease[held.lease.id]
                _discard(self._on, held.attempt.node, attempt)
                _discard(self._of_job, held.job.id, attempt)

    def _take(self, found: Collection[Held]) -> None:
        for held in found:
            attempt = held.attempt.id
            self._held[attempt] = held
            self._of_lease[held.lease.id] = attempt
            self._on[held.attempt.node].add(attempt)
            self._of_job[held.job.id].add(attempt)


def _discard(sets: dict[str, set[str]], key: str, one: str) -> None:
    """Without it, and nothing kept of an empty set."""
    sets[key].discard(one)
    if not sets[key]:
        del sets[key]
