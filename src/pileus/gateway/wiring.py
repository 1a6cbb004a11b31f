"""The composition root of a gateway process: implementations are named here and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from pileus.core.clock import Clock, SystemClock
from pileus.core.failpoints import failpoint
from pileus.core.ids import Ids
from pileus.gateway.boot import lanes_on_disk, new_boot
from pileus.gateway.bundles import BundleCache
from pileus.gateway.figures import Figures, readings
from pileus.gateway.files import private_directory
from pileus.gateway.following import follow, keep_loaded
from pileus.gateway.http_link import HttpServerLink
from pileus.gateway.lane import Lane, check_port, stop_on_signals
from pileus.gateway.meters import Meters
from pileus.gateway.objects import AllowedObjects
from pileus.gateway.records import Records
from pileus.gateway.rest.application import RestApplication
from pileus.gateway.route_cache import RouteCache
from pileus.gateway.routes import LiveRoutes
from pileus.gateway.shipping import Shipper
from pileus.gateway.state import LaneState
from pileus.inference.batching import MAX_WAITING
from pileus.inference.bundle import read_bundle
from pileus.inference.dataplane import MAX_REQUEST_ROWS, ServedModel
from pileus.inference.runtimes.onnx import OnnxRuntime
from pileus.sdk.link import read_token

if TYPE_CHECKING:
    from pileus.gateway.link import ServerLink
    from pileus.gateway.settings import GatewaySettings

_LAST_SHIPMENT_SECONDS = 3.0

_LONG_RUNS = 32
"""Models that may compute in threads at once; each does one run at a time."""


def serve(settings: GatewaySettings) -> None:
    """Run a gateway until it is asked to stop. Raises PortTaken or MetersFull."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: GatewaySettings) -> None:
    token = partial(read_token, settings.token_path)
    async with HttpServerLink(settings.server_url, token) as link:
        stop = asyncio.Event()
        stop_on_signals(stop, settings.supervisor_fd)
        await serve_with(settings, link, SystemClock(), stop)


async def serve_with(
    settings: GatewaySettings, link: ServerLink, clock: Clock, stop: asyncio.Event
) -> None:
    """Run a gateway around a link to the server, until `stop`."""
    check_port(settings.host, settings.port)
    if settings.grpc:
        check_port(settings.host, settings.port_of_grpc, option="--grpc-port")
    directory = private_directory(settings.directory)
    boot = new_boot(random.SystemRandom(), lanes_on_disk(directory))
    meters = Meters(directory / "meters", boot)
    records = Records(
        private_directory(directory / "segments"),
        boot,
        clock,
        segment_bytes=settings.segment_kib << 10,
        segment_seconds=settings.segment_seconds,
    )
    shipper = Shipper(
        link,
        meters,
        records,
        clock,
        directory=directory,
        max_segments_bytes=settings.max_segments_mib << 20,
        ship_seconds=settings.ship_seconds,
    )
    routes = LiveRoutes(
        RouteCache(directory / "routes.json"),
        BundleCache(directory / "bundles"),
        partial(
            load_model,
            max_request_rows=settings.max_request_rows,
            max_waiting=settings.max_waiting,
            threads=ThreadPoolExecutor(_LONG_RUNS, thread_name_prefix="inference"),
        ),
        clock,
        timedelta(hours=settings.stale_hours),
    )
    routes.start()
    objects = AllowedObjects(
        settings.allowed_objects,
        max_bytes=settings.max_object_mib << 20,
        seconds=settings.object_seconds,
    )
    figures = Figures()
    state = LaneState(
        *(routes, meters, records, clock, Ids(clock), objects),
        max_body_bytes=settings.max_body_mib << 20,
        readings=partial(readings, figures, routes, meters, records, shipper),
        scrape_token=partial(_token_of, settings.metrics_token_path),
        figures=figures,
    )
    lane = Lane(
        RestApplication(state), settings.host, settings.port, max_body_mib=settings.max_body_mib
    )
    background = [
        asyncio.create_task(follow(routes, link, clock, poll_seconds=settings.poll_seconds)),
        asyncio.create_task(keep_loaded(routes, link, clock)),
        asyncio.create_task(shipper.run()),
    ]
    for task in background:
        # A background task ends only by a bug: better to be restarted than to serve on without it.
        task.add_done_callback(lambda _: stop.set())
    try:
        async with _grpc(settings, state, stop):
            await lane.serve(stop, drain_seconds=settings.drain_seconds)
    finally:
        await _wind_down(background, shipper, meters, records)
    for task in background:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


@contextlib.asynccontextmanager
async def _grpc(
    settings: GatewaySettings, state: LaneState, stop: asyncio.Event
) -> AsyncIterator[None]:
    """GRPC as long as the lane serves. Raises PortTaken."""
    if not settings.grpc:
        yield
        return
    from pileus.gateway.grpc.listener import GrpcListener  # 15 MB that not every gateway needs

    listener = GrpcListener(state, settings.host, settings.port_of_grpc)
    await listener.start()
    # At the same time as the lane: each takes up to the time that a request in flight has.
    ending = asyncio.create_task(listener.stop_after(stop, settings.drain_seconds))
    try:
        yield
    finally:
        stop.set()
        await ending


async def _wind_down(
    background: list[asyncio.Task[None]], shipper: Shipper, meters: Meters, records: Records
) -> None:
    for task in background:
        task.cancel()
    await asyncio.wait(background)
    records.close()
    is_taken = False
    with contextlib.suppress(TimeoutError):
        is_taken = await asyncio.wait_for(shipper.finish(), _LAST_SHIPMENT_SECONDS)
    shipper.close()
    failpoint("meters.shipped")
    if is_taken:
        meters.delete()
    else:
        meters.close()


def _token_of(path: Path) -> str | None:
    """Read for each scrape: it may be replaced, and a home without a server has none."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def load_model(
    directory: Path,
    *,
    max_request_rows: int = MAX_REQUEST_ROWS,
    max_waiting: int = MAX_WAITING,
    threads: Executor | None = None,
) -> ServedModel:
    """The bundle of a directory, in memory and ready for its first request."""
    bundle = read_bundle(directory)
    model = ServedModel(
        bundle,
        OnnxRuntime(bundle, directory),
        max_request_rows=max_request_rows,
        max_waiting=max_waiting,
        threads=threads,
    )
    model.warm_up()
    return model
