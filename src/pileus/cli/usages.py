"""What attempts use of what they asked for, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pileus.cli import phrases

Document = Mapping[str, Any]

UNKNOWN = "-"
"""In the place of a figure that nobody knows."""

SORTS = ("cpu", "memory", "cost", "age")


def in_order(items: Sequence[Document], by: str) -> list[Document]:
    """Those with the most of it first, and those of which it is not known last."""

    def amount(item: Document) -> float:
        if by == "cost":
            return float(item["cost_micro"])
        if by == "age":
            return -_moment(item["granted_at"]).timestamp()
        found = (item["used"] or {}).get({"cpu": "cpu_milli", "memory": "memory_mib"}[by])
        return -1.0 if found is None else float(found)

    return sorted(items, key=amount, reverse=True)


def phrase(item: Document, currency: str) -> str:
    """One attempt in a line: what it uses or has used in all, of what it asked for."""
    used, asked = item["used"] or {}, item["asked"]
    is_over = item["ended_at"] is not None
    parts = []
    if is_over and used.get("cpu_ms") is not None:
        parts.append(f"{phrases.seconds(used['cpu_ms'] / 1000)} of processor time")
    elif used.get("cpu_milli") is not None:
        parts.append(f"{used['cpu_milli'] / 1000:.2f} of {asked['cpu']:g} CPU")
    if used.get("gpu_milli") is not None:
        parts.append(f"{used['gpu_milli'] / 1000:.2f} of {asked['gpu']:g} GPU")
    memory, peak = used.get("memory_mib"), used.get("memory_peak_mib")
    if memory is not None:
        parts.append(f"memory {phrases.mib(memory)}, peak {of(peak, asked['memory_mib'])}")
    elif peak is not None:
        parts.append(f"peak memory {of(peak, asked['memory_mib'])}")
    if used.get("disk_mib") is not None:
        parts.append(f"disk {of(used['disk_mib'], asked.get('disk_mib'))}")
    if used.get("sampled_at") and not is_over:
        parts.append(f"seen {phrases.lasted(used['sampled_at'], None)} ago")
    parts.append(f"cost {phrases.money(item['cost_micro'], currency)}")
    return ", ".join(parts)


def of(mib: int | None, most: int | None) -> str:
    """`104M of 512M`; without a limit only what is used."""
    found = UNKNOWN if mib is None else phrases.mib(mib)
    return found if most is None else f"{found} of {phrases.mib(most)}"


def _moment(when: str) -> datetime:
    return datetime.fromisoformat(when)
