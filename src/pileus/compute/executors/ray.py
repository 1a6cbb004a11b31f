"""
Attempts on a node of a Ray cluster: processes as elsewhere, whose resources are held with Ray as well.

The worker runs on the node itself (`worker/fleet.py`), so directories, logs and fences are those of any
node. Others may use the cluster too, and they ask Ray: what an attempt holds is a detached placement
group of one bundle on the very node that was decided for it. Needs `pileus[ray]`, and `ray.init`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ray.exceptions import RayError
from ray.util.placement_group import (
    PlacementGroup,
    get_placement_group,
    placement_group,
    placement_group_table,
    remove_placement_group,
)

from pileus.compute.errors import RunnerNotStarted
from pileus.compute.executor import Executor, Launch, State
from pileus.core.schemas.resources import MILLI

log = logging.getLogger(__name__)

NODE_LABEL = "ray.io/node-id"
"""Ray labels each of its nodes with its id."""

_ATTEMPT = "att_"
_ANSWER_SECONDS = 0.05
_LOST = "RESCHEDULING"
_MIB = 1024 * 1024
_PATIENCE_SECONDS = 300.0
"""For what others of the cluster hold. An attempt that is refused has used up one of its tries."""

_LOOK_SECONDS = 0.1
_FREE_SECONDS = 2.0


class RayExecutor:
    """An `Executor` that holds with Ray what `inner` starts on this node."""

    def __init__(
        self, inner: Executor, node: str, patience_seconds: float = _PATIENCE_SECONDS
    ) -> None:
        self._inner = inner
        self._node = node
        self._patience_seconds = patience_seconds
        self._freeing: set[asyncio.Future[None]] = set()

    async def recover(self, attempts: Collection[str]) -> None:
        """Give back what is held here for attempts that are none of these: a kill may leave it."""
        await asyncio.to_thread(_free_all_but, self._node, frozenset(attempts))

    async def start(self, directory: Path, launch: Launch) -> None:
        # Shielded: a thread that is given up may yet hold something, and then it is freed below.
        holding = asyncio.ensure_future(
            asyncio.to_thread(_held, directory.name, self._node, _bundle(launch))
        )
        try:
            await self._until_given(await asyncio.shield(holding), launch)
            await self._inner.start(directory, launch)
        except BaseException:
            if holding.done():
                self._free(directory)
            else:
                holding.add_done_callback(lambda _: self._free(directory))
            raise

    def state(self, directory: Path, lease_token: str) -> State:
        return self._inner.state(directory, lease_token)

    async def wait(self, directory: Path, lease_token: str) -> State:
        state = await self._inner.wait(directory, lease_token)
        # Before the server hears that there is room; but no end hangs on whether Ray answers.
        await asyncio.wait({self._free(directory)}, timeout=_FREE_SECONDS)
        return state

    def renew(self, directory: Path, fence_seconds: float, confirmed_at: float) -> None:
        self._inner.renew(directory, fence_seconds, confirmed_at)

    def stop(self, directory: Path, reason: str) -> None:
        self._inner.stop(directory, reason)

    def kill(self, directory: Path) -> None:
        self._inner.kill(directory)
        self._free(directory)

    def refuse(self, directory: Path, message: str, *, is_node_at_fault: bool = False) -> State:
        state = self._inner.refuse(directory, message, is_node_at_fault=is_node_at_fault)
        self._free(directory)
        return state

    async def close(self) -> None:
        await asyncio.gather(*self._freeing, return_exceptions=True)
        await self._inner.close()

    async def _until_given(self, group: PlacementGroup, launch: Launch) -> None:
        """Raises RunnerNotStarted."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience_seconds
        while not await asyncio.to_thread(_is_given, group):
            if loop.time() > until:
                raise RunnerNotStarted(
                    f"Ray has not given {_described(launch)} of the node within"
                    f" {self._patience_seconds:g} s: somebody else holds it",
                    hint="`ray status` shows what is used; it is tried again.",
                )
            await asyncio.sleep(_LOOK_SECONDS)

    def _free(self, directory: Path) -> asyncio.Future[None]:
        """In a thread, since a call takes a round trip."""
        task = asyncio.get_running_loop().run_in_executor(None, _free_quietly, directory.name)
        self._freeing.add(task)
        task.add_done_callback(self._freeing.discard)
        return task


def _bundle(launch: Launch) -> dict[str, float]:
    limits = launch.limits
    asked = {
        "CPU": (limits.cpu_milli or 0) / MILLI,
        "GPU": launch.gpu_milli / MILLI,
        "memory": float((limits.memory_mib or 0) * _MIB),
    }
    return {name: amount for name, amount in asked.items() if amount}


def _described(launch: Launch) -> str:
    """`CPU 2, GPU 0.5, memory 256 MiB`."""
    bundle = _bundle(launch)
    memory = [f"memory {bundle.pop('memory') // _MIB:g} MiB"] if "memory" in bundle else []
    return ", ".join([f"{name} {amount:g}" for name, amount in bundle.items()] + memory)


def _held(attempt: str, node: str, bundle: dict[str, float]) -> PlacementGroup:
    """The group of an attempt, which Ray may yet have to make."""
    return _known(attempt) or placement_group(
        [bundle],
        strategy="STRICT_PACK",
        name=attempt,
        lifetime="detached",
        bundle_label_selector=[{NODE_LABEL: node}],
    )


def _known(attempt: str) -> PlacementGroup | None:
    group: PlacementGroup | None = None
    with suppress(ValueError):  # Ray's way to say that there is none
        group = get_placement_group(attempt)
    return group


def _free(attempt: str) -> None:
    group = _known(attempt)
    if group is not None:
        remove_placement_group(group)


def _is_given(group: PlacementGroup) -> bool:
    """Raises RunnerNotStarted for one that was removed meanwhile, for which Ray has no error of its
    own."""
    try:
        return bool(group.wait(_ANSWER_SECONDS))
    except RayError:
        raise
    except Exception as error:
        raise RunnerNotStarted(f"Ray does not hold it: {error}") from error


def _free_quietly(attempt: str) -> None:
    """What Ray does not take back now, the next worker of the node gives back."""
    try:
        _free(attempt)
    except RayError as error:
        log.warning("What Ray holds for %r could not be given back: %s", attempt, error)


def free_lost() -> None:
    """Give back what was held on nodes that have left: Ray would look for such a node for ever."""
    for held in placement_group_table().values():
        if held["state"] == _LOST and held["name"].startswith(_ATTEMPT):
            _free(held["name"])


def _free_all_but(node: str, attempts: frozenset[str]) -> None:
    for held in placement_group_table().values():
        name, nodes = held["name"], held["bundles_to_node_id"].values()
        is_held = held["state"] == "CREATED" and name.startswith(_ATTEMPT)
        # One of another installation is in its own namespace, where we find nothing to free.
        if is_held and node in nodes and name not in attempts and _known(name) is not None:
            log.warning("What Ray held for %r is given back: it is not here", name)
            _free(name)
