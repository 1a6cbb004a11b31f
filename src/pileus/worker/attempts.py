"""Makes what is on this node what the server orders. The orders are declarative, and so is this."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from functools import partial
from pathlib import Path

from pileus.compute.executor import Executor, Phase
from pileus.compute.layout import Layout
from pileus.core.failpoints import failpoint
from pileus.core.schemas.jobs import AttemptReport, DesiredAttempt, NodeOrders
from pileus.worker.held import GONE, HeldAttempt, Identity, Means, discard, identify

log = logging.getLogger(__name__)

_RENEWALS_PER_FENCE = 20
"""A lease file is written at most this often in the time after which a runner gives up."""


class Attempts:
    """Every attempt that this worker holds, by id."""

    def __init__(self, root: Path, means: Means) -> None:
        self.news = asyncio.Event()
        """Set when the server should hear a report now."""

        self._root = root
        self._means = means
        self._held: dict[str, HeldAttempt] = {}
        self._forgetting: dict[str, asyncio.Task[None]] = {}
        self._leftovers: set[Path] = set()
        """Directories of attempts that never started here: ordered again, or removed."""

    def recover(self) -> None:
        """Adopt what an earlier worker left on disk."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for directory in sorted(self._root.iterdir()):
            if directory.name.startswith(GONE) or not directory.is_dir():
                self._remove(directory)
                continue
            try:
                self._recover(directory)
            except OSError:
                log.exception("attempt directory %r cannot be read", str(directory))
        self._means.secrets.sweep(self._root)

    @property
    def holding(self) -> tuple[str, ...]:
        """Ids of attempts that have started here."""
        return tuple(sorted(self._held))

    def usage_files(self) -> dict[str, Path]:
        """Where runners say what the attempts that they lead use, by attempt."""
        files = ((id_, held.usage_file) for id_, held in self._held.items())
        return {id_: file for id_, file in files if file is not None}

    def report(self) -> tuple[AttemptReport, ...]:
        """What to tell the server of each."""
        self.news.clear()
        reports = (held.report() for _, held in sorted(self._held.items()))
        return tuple(report for report in reports if report is not None)

    def apply(
        self,
        orders: NodeOrders,
        reported: Collection[AttemptReport],
        fence_seconds: float,
        asked_at: float,
    ) -> bool:
        """Do as ordered, in answer to a report that was made at that monotonic time; whether anything
        was begun, which will soon have something to report."""
        has_begun = False
        desired = {order.id: order for order in orders.attempts}
        self._forget(orders, desired, {report.id for report in reported})
        for order in orders.attempts:
            held = self._held.get(order.id)
            if held is None:
                if order.id in self._forgetting:
                    continue  # the server orders it again
                held = self._begin(order, fence_seconds)
                has_begun = True
            if order.desired == "stop":
                held.stop(order.stop_reason or "cancel")
        for id_ in desired.keys() & self._held.keys():
            self._held[id_].renew(fence_seconds, asked_at, fence_seconds / _RENEWALS_PER_FENCE)
        return has_begun

    async def let_go(self) -> None:
        """Stop watching; runners go on."""
        await asyncio.gather(*self._forgetting.values(), return_exceptions=True)
        await asyncio.gather(*(held.let_go() for held in self._held.values()))

    def _begin(self, order: DesiredAttempt, fence_seconds: float) -> HeldAttempt:
        directory = self._root / order.id
        identity = Identity(
            order.id, order.project, order.lease_token, order.job, order.spec.request_id
        )
        held = HeldAttempt(identity, directory, self._means, self.news.set)
        self._held[order.id] = held
        held.begin(order, fence_seconds)
        return held

    def _forget(
        self, orders: NodeOrders, desired: Collection[str], reported: Collection[str]
    ) -> None:
        forgotten = set(orders.forget)
        # One that was never reported cannot be on the list, and is not wanted either.
        unwanted = {id_ for id_ in self._held if id_ not in desired and id_ not in reported}
        for id_ in (forgotten | unwanted) & self._held.keys():
            failpoint("end.acknowledged")
            # Nobody waits for it: removing a large directory takes its time.
            task = self._forgetting[id_] = asyncio.create_task(self._held.pop(id_).forget())
            task.add_done_callback(partial(self._forgotten, id_))
        for directory in self._leftovers:
            if directory.name not in desired:
                self._executor.kill(directory)
                self._remove(directory)
        self._leftovers.clear()

    def _forgotten(self, id_: str, task: asyncio.Task[None]) -> None:
        del self._forgetting[id_]
        if not task.cancelled() and task.exception() is not None:
            log.error("attempt %s cannot be removed", id_, exc_info=task.exception())

    def _recover(self, directory: Path) -> None:
        identity = identify(directory)
        if identity is None:
            self._recover_damaged(directory)
            return
        state = self._executor.state(directory, identity.lease_token)
        if state.phase is Phase.ABSENT:
            # Its runner may be coming up just now; starting it again finds that out.
            self._leftovers.add(directory)
            return
        log.info("attempt %s is %s", identity.id, state.phase.value)
        held = HeldAttempt(identity, directory, self._means, self.news.set)
        self._held[identity.id] = held
        held.adopt()

    def _recover_damaged(self, directory: Path) -> None:
        # The server hears that it is not here any more, and tries again where that may help.
        log.warning("attempt directory %r was not prepared or is damaged", str(directory))
        self._executor.kill(directory)
        self._remove(directory)

    def _remove(self, directory: Path) -> None:
        try:
            if directory.is_dir():
                discard(directory)
                self._means.secrets.remove(Layout(directory))
            else:
                directory.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%r cannot be removed: %s", str(directory), error)

    @property
    def _executor(self) -> Executor:
        return self._means.executor
