"""
The worker where attempts run on a Ray cluster: it sees to it that each node there has one.

Jobs wait in our queue and are placed by our policy; Ray, which has no queue, carries the worker of each
node as a detached actor. Those go on when this process dies, and are found again by the next.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util import list_named_actors
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import pileus
from pileus.compute.executors.ray import free_lost
from pileus.compute.files import read_json, replace_json
from pileus.core.errors import PileusError
from pileus.core.schemas.resources import MILLI
from pileus.sdk.link import read_token
from pileus.worker.errors import RayUnreachable
from pileus.worker.fleet_node import FleetNode, Offer
from pileus.worker.settings import WorkerSettings
from pileus.worker.wiring import locked, stop_event, until_stopped

log = logging.getLogger(__name__)

_ATTEND_SECONDS = 60.0
"""For a node to start the actor and answer: it imports all that a worker needs."""

_CONNECT_SECONDS = 3.0
_LEAVE_SECONDS = 5.0
_MIB = 1024 * 1024
_WORKER = "worker-"


async def serve(settings: WorkerSettings) -> None:
    """Attend to the cluster until asked to stop. Raises WorkerRunning."""
    with locked(settings.directory):
        stop = stop_event(settings.supervisor_fd)
        fleet = Fleet(settings, await asyncio.to_thread(namespace_in, settings.directory))
        task = asyncio.create_task(fleet.run())
        try:
            await until_stopped(stop, task)
        finally:
            task.cancel()
            await asyncio.wait({task})
            await fleet.leave()
            ray.shutdown()


def namespace_in(directory: Path) -> str:
    """Where this installation keeps its actors and placement groups: others of a cluster have others."""
    path = directory / "fleet.json"
    known = read_json(path)
    if known is None:
        known = {"namespace": f"pileus-{secrets.token_hex(6)}"}
        replace_json(path, known)
    return str(known["namespace"])


def connect(address: str, namespace: str) -> None:
    """Raises RayUnreachable."""
    try:
        host, _, port = address.rpartition(":")
        if host:  # Ray itself tries for half a minute before it says so
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
        ray.init(address=address, namespace=namespace, log_to_driver=False, configure_logging=False)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        raise RayUnreachable(
            f"The Ray cluster at {address!r} cannot be reached: {error}",
            hint="The head is at `address` of [worker.ray], and this machine has to be a node of the"
            " cluster: `ray start --address HOST:PORT --num-cpus 0`.",
        ) from error


class Fleet:
    """The actors of the nodes."""

    def __init__(self, settings: WorkerSettings, namespace: str) -> None:
        self._settings = settings
        self._namespace = namespace
        self._is_connected = False
        self._actors: dict[str, Any] = {}
        self._attending: dict[str, asyncio.Task[None]] = {}
        self._replaced: set[str] = set()
        """Nodes whose worker was of another version, and has been replaced for that."""

        self._troubles: dict[str, str] = {}
        """Node → what was last logged of it; of the cluster under an empty name."""

    async def run(self) -> None:
        """Look after every node, again and again."""
        while True:
            try:
                if not self._is_connected:
                    await self._connect()
                await self._look()
            except PileusError as error:
                self._tell("", f"{error.message}. {error.hint or ''}".rstrip())
            except RayError as error:
                self._tell("", f"The Ray cluster does not answer: {error}")
            await asyncio.sleep(self._settings.ray.look_seconds)

    async def leave(self) -> None:
        """Take the workers off the nodes, those too that another process of ours put there. Attempts
        are left alone."""
        for task in self._attending.values():
            task.cancel()
        if self._attending:
            await asyncio.wait(self._attending.values())
        if self._is_connected:
            with suppress(RayError, TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(_end_all), _LEAVE_SECONDS)

    async def _connect(self) -> None:
        address = self._settings.ray.address
        await asyncio.to_thread(connect, address, self._namespace)
        self._is_connected = True
        log.info("Attempts run on the Ray cluster at %s", address)

    async def _look(self) -> None:
        token = await asyncio.to_thread(read_token, self._settings.token_path)
        offers = offers_of(await asyncio.to_thread(ray.nodes))
        for gone in self._actors.keys() - {offer.node for offer in offers}:
            log.warning("Node %s has left the Ray cluster", gone)
            del self._actors[gone]
        for offer in offers:
            # One that does not answer must not keep the others from being looked after.
            known = self._attending.get(offer.node)
            if known is None or known.done():
                self._attending[offer.node] = asyncio.create_task(self._attend(offer, token))
        await asyncio.to_thread(free_lost)
        self._troubles.pop("", None)

    async def _attend(self, offer: Offer, token: str) -> None:
        try:
            actor = self._actors.get(offer.node)
            if actor is None:
                actor = self._actors[offer.node] = await asyncio.to_thread(self._actor, offer)
            version = await asyncio.wait_for(actor.attend.remote(token), _ATTEND_SECONDS)
        except (RayError, TimeoutError, ValueError) as error:
            # Ray tells the whole story of an actor that did not start, its cause last.
            lines = str(error).strip().splitlines() or [type(error).__name__]
            self._tell(
                offer.node,
                f"Node {offer.host} has no worker: {lines[-1]} (Pileus {pileus.__version__} has to"
                " be installed there)",
            )
            await self._drop(offer.node)
            return
        if version == pileus.__version__:
            self._troubles.pop(offer.node, None)
        elif offer.node in self._replaced:
            self._tell(
                offer.node,
                f"The worker of {offer.host} is Pileus {version}, not {pileus.__version__}:"
                " install that there",
            )
        else:  # it may be of before an upgrade
            self._replaced.add(offer.node)
            await self._drop(offer.node)

    def _tell(self, node: str, trouble: str) -> None:
        """Log it, and not once more with each look."""
        if self._troubles.get(node) != trouble:
            self._troubles[node] = trouble
            log.error("%s", trouble)

    def _actor(self, offer: Offer) -> Any:  # noqa: ANN401  Ray makes the class of it
        ray_settings = self._settings.ray
        settings = self._settings.model_copy(
            update={
                "home": ray_settings.directory / self._namespace / offer.host,
                "node_name": offer.host,
                "server_url": ray_settings.server_url or self._settings.server_url,
                "executor": "process",
                "custom": {},
                "address": None,
                "token_file": None,
                "supervisor_fd": None,
            }
        )
        return (
            ray.remote(FleetNode)
            .options(
                name=f"{_WORKER}{offer.node}",
                get_if_exists=True,
                lifetime="detached",
                num_cpus=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(offer.node, soft=False),
            )
            .remote(settings.model_dump(mode="json"), offer._asdict())
        )

    async def _drop(self, node: str) -> None:
        """The next look makes a new one."""
        actor = self._actors.pop(node, None)
        if actor is not None:
            with suppress(RayError, ValueError):
                await asyncio.to_thread(ray.kill, actor)


def _end_all() -> None:
    for name in list_named_actors():
        if name.startswith(_WORKER):
            with suppress(RayError, ValueError):
                ray.kill(ray.get_actor(name))


def offers_of(nodes: list[dict[str, Any]]) -> list[Offer]:
    """Nodes that live, of what `ray.nodes()` tells. Each is called by its host, which a restart does
    not change once Ray has seen it, and by a part of its id as well where several are on one."""
    alive = [node for node in nodes if node["Alive"]]
    hosts = [node["NodeManagerHostname"].lower() for node in alive]
    found = []
    for node, host in zip(alive, hosts, strict=True):
        resources = node["Resources"]
        found.append(
            Offer(
                node=node["NodeID"],
                host=host if hosts.count(host) == 1 else f"{host}-{node['NodeID'][:8]}",
                cpu_milli=int(resources.get("CPU", 0) * MILLI),
                memory_mib=int(resources.get("memory", 0) // _MIB),
                gpus=int(resources.get("GPU", 0)),
            )
        )
    return found
