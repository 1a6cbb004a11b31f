"""What a job asks for, as options spell it."""

from typing import Annotated, Any

import typer

Cpu = Annotated[
    float,
    typer.Option(min=0.001, help="Processors, or a part of one.", rich_help_panel="Resources"),
]
Memory = Annotated[
    str,
    typer.Option(help="Memory, such as 512 or 4g; MiB by default.", rich_help_panel="Resources"),
]
Disk = Annotated[
    str | None,
    typer.Option(
        help="Disk that an attempt may fill, such as 10g; no limit when absent.",
        rich_help_panel="Resources",
    ),
]
Gpu = Annotated[
    str | None,
    typer.Option(
        help="GPUs or a fraction of one, and which kind: 1, 0.5, h200:0.5.",
        rich_help_panel="Resources",
    ),
]
Custom = Annotated[
    list[str] | None,
    typer.Option("--resource", help="A flavour: fpga=1. Repeatable.", rich_help_panel="Resources"),
]

_MIB = {
    "": 1.0,
    **dict.fromkeys(("m", "mi", "mib", "mb"), 1.0),
    **dict.fromkeys(("g", "gi", "gib", "gb"), 1024.0),
}


def resources(
    cpu: float,
    memory: str,
    gpu: str | None,
    custom: list[str] | None,
    disk: str | None = None,
) -> dict[str, Any]:
    """The `resources` of a job's spec."""
    found: dict[str, Any] = {"cpu": cpu, "memory_mib": mib_of(memory)}
    if disk is not None:
        found["disk_mib"] = mib_of(disk, "--disk")
    if gpu is not None:
        kind, separator, count = gpu.rpartition(":")
        found["gpu"] = number(count, "--gpu")
        if found["gpu"] <= 0:
            raise typer.BadParameter(f"{gpu!r}: ask for more than 0", param_hint="--gpu")
        if separator:
            found["gpu_kind"] = kind
    if custom:
        found["custom"] = dict(_flavour(text) for text in custom)
    return found


def settings_of(pairs: list[str] | None) -> dict[str, Any]:
    """`--set name=value` pairs; a value is JSON where it can be, else text."""
    import json  # start-up time

    found: dict[str, Any] = {}
    for pair in pairs or ():
        name, separator, text = pair.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{pair!r} is not name=value", param_hint="--set")
        try:
            found[name] = json.loads(text)
        except json.JSONDecodeError:
            found[name] = text
    return found


def mib_of(text: str, option: str = "--memory", *, least: int = 1) -> int:
    """MiB of `512` or `4g`."""
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text[len(digits) :].lower()
    if unit not in _MIB:
        raise typer.BadParameter(f"{text!r}: write MiB, or a unit m or g", param_hint=option)
    mib = round(number(digits, option) * _MIB[unit])
    if mib < least:
        raise typer.BadParameter(f"{text!r} is less than {least} MiB", param_hint=option)
    return mib


def _flavour(text: str) -> tuple[str, int]:
    name, separator, count = text.partition("=")
    if not separator or not count.isdecimal():
        raise typer.BadParameter(f"{text!r} is not NAME=COUNT", param_hint="--resource")
    return name, int(count)


def number(text: str, option: str) -> float:
    """A number that an option was given."""
    try:
        return float(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a number", param_hint=option) from error
