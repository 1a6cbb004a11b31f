"""Amounts of a quota, as options spell them and tables show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from pileus.cli.resources import mib_of, number

_MILLI = 1000


def limits(
    cpu: float | None,
    memory: str | None,
    gpu: Sequence[str],
    custom: Sequence[str],
    borrow: Sequence[str],
    lend: Sequence[str],
) -> dict[str, dict[str, int]]:
    """The `limits` of a quota, in the units that the names of its resources end with."""
    found: dict[str, dict[str, int]] = {}
    if cpu is not None:
        found["cpu_milli"] = {"nominal": round(cpu * _MILLI)}
    if memory is not None:
        found["memory_mib"] = {"nominal": mib_of(memory, "--memory", least=0)}
    for text in gpu:
        kind, separator, count = text.rpartition(":")
        name = f"gpu_milli:{kind.lower()}" if separator else "gpu_milli"
        found[name] = {"nominal": _amount(name, count, "--gpu")}
    for text in custom:
        name, separator, count = text.partition("=")
        if not separator:
            raise typer.BadParameter(f"{text!r} is not NAME=COUNT", param_hint="--resource")
        found[f"custom:{name}"] = {"nominal": _amount("custom", count, "--resource")}
    if not found:
        raise typer.BadParameter("Name one resource at least: --cpu, --memory, --gpu, --resource")
    for texts, option, field in ((borrow, "--borrow", "borrowing"), (lend, "--lend", "lending")):
        for text in texts:
            resource, amount = _bound(text, option, found)
            found[resource][field] = amount
    return found


def amount_text(resource: str, amount: int) -> str:
    """`20`, `0.5`, `64 GiB`: an amount of a resource, for a table."""
    if resource == "memory_mib":
        return f"{amount / 1024:g} GiB" if amount % 1024 == 0 else f"{amount} MiB"
    return str(amount) if resource.startswith("custom:") else f"{amount / _MILLI:g}"


def resource_text(resource: str) -> str:
    """`cpu`, `gpu:h200`, `fpga`: a resource as the options name it."""
    name, _, kind = resource.partition(":")
    if name == "custom":
        return kind
    word = name.partition("_")[0]
    return f"{word}:{kind}" if kind else word


def _bound(text: str, option: str, known: dict[str, dict[str, int]]) -> tuple[str, int]:
    """`cpu=100`; `100` where one resource only is limited."""
    name, separator, amount = text.rpartition("=")
    if not separator and len(known) == 1:
        return (only := next(iter(known))), _amount(only, amount, option)
    word, colon, kind = name.partition(":")
    resource = {
        "cpu": "cpu_milli",
        "memory": "memory_mib",
        "gpu": f"gpu_milli{colon}{kind.lower()}",
    }.get(word, f"custom:{name}")
    if resource not in known:
        raise typer.BadParameter(
            f"{text!r} is not RESOURCE=AMOUNT of a resource that is limited here", param_hint=option
        )
    return resource, _amount(resource, amount, option)


def _amount(resource: str, text: str, option: str) -> int:
    if resource == "memory_mib":
        return mib_of(text, option, least=0)
    amount: Any = number(text, option)
    return int(amount) if resource.startswith("custom") else round(amount * _MILLI)
