"""Why a job waits, in words that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pileus.core.schemas.jobs import Node
from pileus.core.schemas.quota import Limit
from pileus.core.schemas.resources import MILLI, Resources
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.free import Free

_QUOTA_HINT = "`pileus quota list` shows what is used of it."


@dataclass(frozen=True)
class Waiting:
    """Why a job waits, what would change that, and when that is expected."""

    reason: str
    hint: str | None = None
    eta: datetime | None = None
    """When it is expected to start; None where nothing is known of what it waits for."""

    after: str | None = None
    """The running job whose end makes the room, if it is one of the same project."""


def explain(
    resources: Resources, nodes: Sequence[Node], silent: Sequence[Node] = (), gang: int = 1
) -> Waiting:
    """Why nothing can take `resources`, so many times at once, now: never possible here, or not yet."""
    if not nodes and silent:
        names = ", ".join(repr(node.name) for node in silent)
        return Waiting(
            f"No node answers; {names} did before", "Look after its worker; `pileus up` starts one."
        )
    if not nodes:
        return Waiting(
            "No node is registered", "Start a worker: `pileus up`, or `pileus worker` elsewhere."
        )
    shape, room = Shape.of(resources), 0
    for node in nodes:
        room += Free(node).holds(shape, gang - room)
        if room == gang:
            break
    if room == gang:
        each = f" for each of {gang} members at once" if gang > 1 else ""
        return Waiting(
            f"Waits for {describe(resources)} to be free{each}",
            "It starts when running jobs end; `pileus job list` shows them.",
        )
    if room:
        return Waiting(
            f"Its {gang} members ask for {describe(resources)} each, and the nodes have room for"
            f" {room} of them",
            "Ask for less or for fewer, or add nodes.",
        )
    largest = max(nodes, key=lambda node: (node.capacity.cpu_milli, node.capacity.memory_mib))
    return Waiting(
        f"No node has {describe(resources)}; the largest, {largest.name!r}, has"
        f" {describe_capacity(largest)}",
        "Ask for less, or add a node that has it.",
    )


def describe(resources: Resources) -> str:
    """`cpu=2 memory=1024MiB gpu=1(any) fpga=1`."""
    words = [f"cpu={resources.cpu:g}", f"memory={resources.memory_mib}MiB"]
    if resources.gpu:
        words.append(f"gpu={resources.gpu:g}({resources.gpu_kind or 'any'})")
    words.extend(f"{name}={amount}" for name, amount in sorted(resources.custom.items()))
    return " ".join(words)


def describe_capacity(node: Node) -> str:
    """What a node has, in the words of `describe`."""
    capacity = node.capacity
    words = [f"cpu={capacity.cpu_milli / MILLI:g}", f"memory={capacity.memory_mib}MiB"]
    kinds = sorted({device.kind for device in capacity.devices})
    words.extend(
        f"gpu={sum(device.kind == kind for device in capacity.devices)}({kind})" for kind in kinds
    )
    words.extend(f"{name}={amount}" for name, amount in sorted(capacity.custom.items()))
    return " ".join(words)


def lacks_quota(resource: str, asked: int, limit: Limit) -> Waiting:
    """Its project's quota has not so much left, and its cohort does not lend it."""
    return Waiting(
        f"Waits for quota: {describe_amount(resource, asked)} more than its project may hold now"
        f" (nominal {describe_amount(resource, limit.nominal)})",
        f"It starts when jobs of its project or cohort end; {_QUOTA_HINT}",
    )


def beyond_quota(resource: str, asked: int, limit: Limit) -> Waiting:
    """No end of a job can help."""
    return Waiting(
        f"Its project may never hold {describe_amount(resource, asked)} (nominal"
        f" {describe_amount(resource, limit.nominal)}, and its cohort lends too little)",
        f"Ask for less, or ask an operator for a larger quota; {_QUOTA_HINT}",
    )


def being_cleared(nodes: Sequence[str], stopping: int) -> Waiting:
    """Others were asked to stop for it."""
    attempts = (
        "1 attempt saves a checkpoint"
        if stopping == 1
        else (f"{stopping} attempts save checkpoints" if stopping else "what runs there stops")
    )
    names = ", ".join(map(repr, nodes))
    return Waiting(
        f"Room is being made for it on node{'s' if len(nodes) > 1 else ''} {names}: {attempts}",
        "It starts there when they have stopped, at the latest after their grace.",
    )


def describe_amount(resource: str, amount: int) -> str:
    """`cpu=20`, `memory=1024MiB`, `gpu=0.5(h200)`, `fpga=1`: an amount that a quota names."""
    name, _, kind = resource.partition(":")
    if name == "custom":
        return f"{kind}={amount}"
    if name == "memory_mib":
        return f"memory={amount}MiB"
    return f"{name.removesuffix('_milli')}={amount / MILLI:g}" + (f"({kind})" if kind else "")
