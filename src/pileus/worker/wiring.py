"""The composition root of the worker process: here, and only here, its parts are chosen."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pileus
from pileus.compute import inventory
from pileus.compute.environments import ENVIRONMENTS
from pileus.compute.executors.process import ProcessExecutor
from pileus.compute.files import replace_json
from pileus.compute.limits.cgroup import delegated
from pileus.compute.limits.means import in_force
from pileus.compute.sandbox.finding import find
from pileus.compute.sandbox.wrapping import Sandbox
from pileus.compute.zygotes import Zygotes
from pileus.core.clock import SystemClock
from pileus.core.schemas.jobs import Registration
from pileus.sdk.link import read_token
from pileus.worker.attempts import Attempts
from pileus.worker.cache import BlobCache
from pileus.worker.environments import Environments
from pileus.worker.errors import WorkerRunning
from pileus.worker.forgetting import keep_forgetting
from pileus.worker.held import Means
from pileus.worker.http_link import HttpServerLink
from pileus.worker.link import ServerLink
from pileus.worker.meeting import address_towards
from pileus.worker.place import Place
from pileus.worker.secrets import SecretFiles, memory_directory
from pileus.worker.settings import WorkerSettings, base_environment, build_environment
from pileus.worker.syncing import Syncing
from pileus.worker.usage import UsageShipper


async def serve(settings: WorkerSettings) -> None:
    """Work until asked to stop. Runners are left alone."""
    with locked(settings.directory):
        stop = stop_event(settings.supervisor_fd)
        link = HttpServerLink(settings.server_url, lambda: read_token(settings.token_path))
        async with link, working(settings, link) as task:
            await until_stopped(stop, task)


async def until_stopped(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """Return when we are asked to stop; raises what ended the task, which only a bug does."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    if task.done():
        task.result()


@asynccontextmanager
async def working(
    settings: WorkerSettings, link: ServerLink, place: Place | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """The worker's parts, at work; leaves attempts running."""
    place = place or Place()
    clock = SystemClock()
    base = base_environment(settings.pass_environment)
    cgroup = await asyncio.to_thread(delegated)
    found = await asyncio.to_thread(find, settings.home)
    sandbox = found if isinstance(found, Sandbox) else None
    _tell(settings.means_path, cgroup, found if isinstance(found, str) else None)
    here = ProcessExecutor(
        ENVIRONMENTS,
        _zygotes(settings, base, runners_outlive_us=place.runners_outlive_us),
        cgroup,
        sandbox,
        runners_outlive_us=place.runners_outlive_us,
    )
    executor = place.executor(here)
    cache = BlobCache(settings.directory / "cache", link, settings.cache_mib)
    await asyncio.to_thread(cache.start)
    environments = Environments(
        settings.directory / "environments",
        settings.directory / "attempts",
        build_environment(base),
        max_mib=settings.environments_mib,
        max_age=timedelta(days=settings.environment_days),
        build_seconds=settings.environment_build_seconds,
    )
    await asyncio.to_thread(environments.start)
    means = Means(
        executor=executor,
        link=link,
        cache=cache,
        clock=clock,
        base_environment=base,
        ship_seconds=settings.ship_seconds,
        retry_seconds_max=settings.retry_seconds_max,
        environments=environments,
        secrets=SecretFiles(memory_directory(settings.directory)),
        log_bytes=settings.log_bytes,
    )
    attempts = Attempts(settings.directory / "attempts", means)
    address = settings.address or await asyncio.to_thread(address_towards, settings.server_url)
    found_here = inventory.take(settings.custom)
    capacity = place.capacity(found_here.model_copy(update={"sandbox": sandbox is not None}))

    def present() -> Registration:
        return Registration(
            name=settings.node_name,
            boot_id=inventory.boot_id(),
            capacity=capacity,
            pid=os.getpid(),
            version=pileus.__version__,
            address=address,
            holding=attempts.holding,
        )

    attempts.recover()
    await place.recover(attempts.holding)
    syncing = Syncing(
        link, attempts, present, clock, settings.wait_seconds, settings.retry_seconds_max
    )
    task = asyncio.create_task(syncing.run())
    forgetting = asyncio.create_task(keep_forgetting(cache, clock))
    usage = UsageShipper(
        link,
        attempts.usage_files,
        lambda: syncing.node,
        inventory.boot_id(),
        clock,
        settings.usage_seconds,
        inventory.nvidia_use if capacity.devices else dict,
    )
    telling = asyncio.create_task(usage.run())
    try:
        yield task
    finally:
        for each in (task, forgetting, telling):
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each
        await attempts.let_go()
        await executor.close()


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the worker's directory; the kernel lets go when we die. Raises WorkerRunning."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkerRunning(
                f"Another worker runs on {str(directory)!r}",
                hint="One worker per home; `pileus status` shows it.",
            ) from error
        yield
    finally:
        os.close(descriptor)


def _tell(path: Path, cgroup: Path | None, no_sandbox: str | None) -> None:
    """Leave word of what holds attempts here, for `pileus doctor`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    where = None if cgroup is None else str(cgroup)
    replace_json(path, {"limits": in_force(cgroup), "cgroup": where, "no_sandbox": no_sandbox})


def _zygotes(
    settings: WorkerSettings, base: dict[str, str], *, runners_outlive_us: bool
) -> Zygotes | None:
    # Forking a process that has imported frameworks is safe on Linux only.
    if not sys.platform.startswith("linux"):
        return None
    log = settings.directory / "zygotes.log"
    return Zygotes(
        ENVIRONMENTS,
        base,
        log,
        settings.zygote_idle_seconds,
        runners_outlive_us=runners_outlive_us,
    )


def stop_event(supervisor_fd: int | None) -> asyncio.Event:
    """Set when we are asked to end, or the supervisor's end of the pipe has closed."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    if supervisor_fd is not None:
        os.set_inheritable(supervisor_fd, False)  # noqa: FBT003  the call's own form
        loop.add_reader(supervisor_fd, stop.set)
    return stop
