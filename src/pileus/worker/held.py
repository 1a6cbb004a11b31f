"""
One attempt on this node, from the order to the end that the server has recorded.

Prepared → started → running → over → drained and uploaded → ended. Every step can be done again, so
a worker that adopts the directory goes on from what it finds there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pileus.compute import ending, stamping
from pileus.compute.errors import RunnerNotStarted
from pileus.compute.executor import Executor, Phase, State
from pileus.compute.files import read_json
from pileus.compute.layout import Layout
from pileus.core.clock import Clock
from pileus.core.errors import PileusError, Unavailable
from pileus.core.failpoints import failpoint
from pileus.core.logs.context import about
from pileus.core.retrying import Backoff
from pileus.core.schemas.jobs import AttemptReport, AttemptSpec, DesiredAttempt
from pileus.worker.artifacts import UploadRefused, upload
from pileus.worker.cache import BlobCache
from pileus.worker.environments import Environments
from pileus.worker.errors import InputDamaged, SecretsMissing
from pileus.worker.launching import launch_of
from pileus.worker.link import ServerLink
from pileus.worker.materialise import materialise, remove_tree
from pileus.worker.meeting import check_port
from pileus.worker.secrets import SecretFiles
from pileus.worker.streams import StreamShipper

log = logging.getLogger(__name__)

ARTIFACTS_REFUSED = "artifacts_refused"

_RUNNING_SECONDS = 0.02
"""An attempt that has run for so long is told to run."""

_DAMAGED_MAX = 3
"""A transfer may go wrong once or twice; then the blob itself is damaged."""


class Step(StrEnum):
    """How far an attempt has come on this node."""

    PREPARING = "preparing"  #: inputs are on their way
    RUNNING = "running"  #: it has a runner, or what it left is being shipped
    ENDED = "ended"  #: all that it left has arrived


@dataclass(frozen=True)
class Means:
    """What every attempt of a worker is held with."""

    executor: Executor
    link: ServerLink
    cache: BlobCache
    clock: Clock
    base_environment: Mapping[str, str]
    ship_seconds: float
    retry_seconds_max: float
    environments: Environments | None = None
    """Builds what code asks for; without it attempts have the node's own Python."""

    secrets: SecretFiles = field(default_factory=SecretFiles)
    log_bytes: int = 256 * 1024 * 1024
    """About so much of each log stays on this node while its attempt runs."""

    def backoff(self) -> Backoff:
        return Backoff(self.clock, self.retry_seconds_max)


@dataclass(frozen=True)
class Identity:
    """Which attempt, whose, and on which lease."""

    id: str
    project: str
    lease_token: str
    job: str | None = None
    request_id: str | None = None
    """Of the request that submitted the job."""


class HeldAttempt:
    """Moves one attempt along; tells through `changed` when the server should hear of it."""

    def __init__(
        self, identity: Identity, directory: Path, means: Means, changed: Callable[[], None]
    ) -> None:
        self.identity = identity
        self.step = Step.PREPARING
        self._layout = Layout(directory)
        self._means = means
        self._changed = changed
        self._fence_seconds = 0.0
        self._confirmed_at = 0.0
        """When the server was last asked that then wanted it to run, on the monotonic clock."""

        self._stop_reason: str | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._end: AttemptReport | None = None
        self._renewed_at: float | None = None
        self._is_swept = False
        """Its runner ended, and before that whatever it had left running."""

    def begin(self, order: DesiredAttempt, fence_seconds: float) -> None:
        """Prepare and start it."""
        self._fence_seconds = fence_seconds
        self._task = asyncio.create_task(self._live(order))

    def adopt(self) -> None:
        """Go on with what an earlier worker left."""
        self.step = Step.RUNNING
        self._task = asyncio.create_task(self._live(None))

    def report(self) -> AttemptReport | None:
        """What to tell the server; nothing while it is being prepared."""
        if self.step is Step.PREPARING:
            return None
        if self._end is not None:
            return self._end
        state = self._means.executor.state(self._layout.directory, self.identity.lease_token)
        return AttemptReport(
            id=self.identity.id,
            lease_token=self.identity.lease_token,
            state="running",
            started_at=_moment(state.started_at),
        )

    @property
    def usage_file(self) -> Path | None:
        """Where its runner says what it uses, while it has one."""
        return self._layout.usage if self.step is Step.RUNNING else None

    def renew(self, fence_seconds: float, asked_at: float, at_most_every_seconds: float) -> None:
        """The server, asked at that time, has renewed the lease: pass it on to the runner."""
        self._confirmed_at = asked_at
        last = self._renewed_at
        is_due = last is None or asked_at - last >= at_most_every_seconds
        if self.step is Step.RUNNING and is_due:
            self._renewed_at = asked_at
            self._means.executor.renew(self._layout.directory, fence_seconds, asked_at)

    def stop(self, reason: str) -> None:
        """Ask it to stop; what is not started will not start."""
        if self._stop_reason is not None or self.step is Step.ENDED:
            return
        self._stop_reason = reason
        if self._layout.directory.exists():
            self._means.executor.stop(self._layout.directory, reason)
        self._stopping.set()

    async def forget(self) -> None:
        """End whatever still runs, and remove the directory."""
        await self.let_go()
        if not self._is_swept:
            self._means.executor.kill(self._layout.directory)
        await asyncio.to_thread(discard, self._layout.directory)
        await self._means.secrets.clear(self._layout)

    async def let_go(self) -> None:
        """Stop watching. The attempt goes on."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _live(self, order: DesiredAttempt | None) -> None:
        one = self.identity
        with about(request_id=one.request_id, project=one.project, job=one.job, attempt=one.id):
            await self._logged(order)

    async def _logged(self, order: DesiredAttempt | None) -> None:
        try:
            log.info("Attempt %s is %s", self.identity.id, "ordered" if order else "adopted")
            # Without a launch nothing of it ran, and nothing was shipped by an earlier worker.
            streams = self._streams(is_new=order is not None and not self._layout.launch.exists())
            state = await self._over(order, streams)
            reason = (state.exit or {}).get("reason") or "done"
            log.info("Attempt %s is over: %s", self.identity.id, reason)
            await self._finish(state, streams)
        except Exception:
            # One attempt must not take the worker down; the server sees that we hold it no more.
            log.exception("attempt %s cannot be held", self.identity.id)
            self._means.executor.kill(self._layout.directory)
            document = ending.lost("The worker failed; its log has the reason", ending.now())
            self._conclude(document, ())

    async def _over(self, order: DesiredAttempt | None, streams: StreamShipper) -> State:
        if order is not None:
            refusal = await self._start(order, streams)
            if refusal is not None:
                return refusal
        self.step = Step.RUNNING
        # What ends at once has one thing to tell instead of two.
        telling = asyncio.get_running_loop().call_later(_RUNNING_SECONDS, self._changed)
        try:
            async with self._shipping(streams):
                state = await self._means.executor.wait(
                    self._layout.directory, self.identity.lease_token
                )
        finally:
            telling.cancel()
        self._is_swept = state.phase is Phase.ENDED
        if state.phase is Phase.ABSENT:
            message = "The directory of the attempt was removed on the node"
            return State(Phase.LOST, None, ending.lost(message, ending.now()))
        return state

    @asynccontextmanager
    async def _shipping(self, streams: StreamShipper, *, if_: bool = True) -> AsyncIterator[None]:
        """Send what is written meanwhile; of preparing, only a build writes anything."""
        if not if_:
            yield
            return
        shipping = asyncio.create_task(streams.follow(self._means.ship_seconds))
        try:
            yield
        finally:
            shipping.cancel()
            with suppress(asyncio.CancelledError):
                await shipping

    async def _start(self, order: DesiredAttempt, streams: StreamShipper) -> State | None:
        """Start it; how it ended when it could not be."""
        executor, directory = self._means.executor, self._layout.directory
        try:
            # If it exists, a worker was killed while a runner came up: that may have happened.
            may_have_begun = self._layout.launch.exists()
            if not may_have_begun or order.spec.secrets:
                async with self._shipping(streams, if_=order.spec.environment_file is not None):
                    is_prepared = await self._prepare(order)
                if not is_prepared and not may_have_begun:
                    return self._refuse_stopped()
            if order.spec.seat is not None and not may_have_begun:
                check_port(order.spec.seat)
            confirmed_at, fence_seconds = self._confirmed_at, self._fence_seconds
            if may_have_begun:  # and has read the launch of then
                executor.renew(directory, fence_seconds, confirmed_at)
            self._renewed_at = confirmed_at
            base = self._means.base_environment
            launch = launch_of(order, self._layout, base, confirmed_at, fence_seconds)
            await executor.start(directory, launch)
            failpoint("attempt.started")
        except SecretsMissing as error:
            document = ending.not_started(error.message, ending.SECRET_MISSING)
            return State(Phase.ENDED, None, document)
        except PileusError as error:
            hint = f". {error.hint}" if error.hint else ""
            is_node_at_fault = isinstance(error, RunnerNotStarted)
            return executor.refuse(
                directory, f"{error.message}{hint}", is_node_at_fault=is_node_at_fault
            )
        except OSError as error:
            log.warning("attempt %s cannot be started: %s", self.identity.id, error)
            message = f"The node cannot start it: {error}"
            return executor.refuse(directory, message, is_node_at_fault=True)
        return None

    async def _prepare(self, order: DesiredAttempt) -> bool:
        """Whether it is prepared; otherwise it was asked to stop before."""
        self._layout.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        backoff = self._means.backoff()
        damaged = 0
        while not self._stopping.is_set():
            try:
                return await self._unless_stopped(self._make(order))
            except Unavailable as error:
                damaged += isinstance(error, InputDamaged)
                if damaged >= _DAMAGED_MAX:
                    raise
                log.warning("inputs of %s wait: %s", self.identity.id, error)
            await self._unless_stopped(backoff.pause())
        return False

    async def _make(self, order: DesiredAttempt) -> None:
        if not self._layout.launch.exists():
            await materialise(self._layout, order, self._means.cache)
            if self._means.environments is not None:
                await self._means.environments.place(self._layout, order.spec)
        if order.spec.secrets and not self._layout.runner.exists():
            await self._means.secrets.place(self._layout, order, self._means.link)

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do it; False when a request to stop came first, and it was given up."""
        doing = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
            return doing.done()
        finally:
            doing.cancel()
            stopping.cancel()

    def _refuse_stopped(self) -> State:
        reason = self._stop_reason or "cancel"
        document = ending.ended(None, reason, ending.now(), message="Stopped before it started")
        return State(Phase.ENDED, None, document)

    async def _finish(self, state: State, streams: StreamShipper) -> None:
        document = dict(state.exit or {})
        await self._means.secrets.clear(self._layout)
        if self._layout.directory.exists():
            stamping.complete(self._layout)
            await streams.drain()
            failpoint("attempt.drained")
        try:
            artifacts = await upload(
                self.identity.project, self._layout.out, self._means.link, self._means.backoff()
            )
        except UploadRefused as refused:
            log.error("attempt %s: %s", self.identity.id, refused)  # noqa: TRY400  no bug of ours
            document |= {"reason": ARTIFACTS_REFUSED, "message": str(refused)}
            artifacts = ()
        failpoint("attempt.uploaded")
        self._conclude(document, artifacts)

    def _conclude(self, document: dict[str, Any], artifacts: tuple[Any, ...]) -> None:
        self._end = AttemptReport(
            id=self.identity.id,
            lease_token=self.identity.lease_token,
            state="ended",
            started_at=_moment(document.get("started_at")),
            exit=document,
            result=None if self._is_unmasked(document) else read_json(self._layout.result),
            artifacts=artifacts,
        )
        self.step = Step.ENDED
        self._changed()

    def _is_unmasked(self, document: Mapping[str, Any]) -> bool:
        """Whether the runner, which masks what an attempt said of itself, went before it could."""
        launch = read_json(self._layout.launch) or {}
        return document.get("reason") == ending.RUNNER_LOST and bool(launch.get("has_secrets"))

    def _streams(self, *, is_new: bool) -> StreamShipper:
        means = self._means
        return StreamShipper(
            self.identity.id,
            self._layout,
            means.link,
            means.clock,
            means.backoff(),
            is_new=is_new,
            kept_bytes=means.log_bytes,
        )


def identify(directory: Path) -> Identity | None:
    """Which attempt a directory holds; None when its files cannot be read."""
    layout = Layout(directory)
    spec, launch = read_json(layout.spec), read_json(layout.launch)
    token = (launch or {}).get("lease_token")
    if spec is None or not isinstance(token, str):
        return None
    try:
        parsed = AttemptSpec.model_validate(spec)
    except ValueError:
        return None
    if parsed.attempt != directory.name:
        return None
    return Identity(parsed.attempt, parsed.project, token, parsed.job, parsed.request_id)


def discard(directory: Path) -> None:
    """Remove a directory of an attempt. A runner that finds it gone ends what it leads."""
    gone = directory.with_name(f"{GONE}{directory.name}")
    with suppress(FileNotFoundError):
        directory.replace(gone)
        failpoint("attempt.discarded")
    remove_tree(gone)


GONE = ".gone-"
"""Starts the name of what is being removed."""


def _moment(text: Any) -> datetime | None:  # noqa: ANN401  from a file that may be damaged
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
