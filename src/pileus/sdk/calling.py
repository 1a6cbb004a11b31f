"""Describes a Python function so that a job can call it: by module and name, with JSON arguments.

Nothing is pickled: what runs is the module's file in the code snapshot, as everybody can read it.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any

from pileus.sdk.errors import CallRefused

MAX_BYTES = 100_000
"""Of arguments. They are a word of the job's command, and Linux takes no longer one than 128 KiB."""

_INSTALLED = {"site-packages", "dist-packages"}
_STANDARD = Path(sysconfig.get_path("stdlib")).resolve()


@dataclass(frozen=True)
class Call:
    """The folder to take a snapshot of, and the command that calls the function there."""

    folder: Path
    command: tuple[str, ...]


def describe(
    function: Callable[..., object], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Call:
    """How a job calls `function`. Raises CallRefused when it could not find it, or them."""
    name = getattr(function, "__qualname__", "")
    shown = name or repr(function)
    _check_name(function, name, shown)
    module, file = _module(function, shown)
    if _at(module, name) != function:
        raise CallRefused(
            f"{shown!r} is not what its module has by that name",
            hint="Give the function itself, not a wrapper made of it.",
        )
    importable, folder = _place(module, file)
    _check_place(folder, importable, shown)
    arguments = _arguments(args, kwargs, shown)
    return Call(folder, ("python", "-m", "pileus_call", f"{importable}:{name}", arguments))


def _check_name(function: object, name: str, shown: str) -> None:
    if "<lambda>" in name:
        raise CallRefused("A lambda has no name to call it by", hint="Define it with `def`.")
    if "<locals>" in name:
        raise CallRefused(
            f"{shown!r} is defined inside a function, and exists only while that runs",
            hint="Define it at the top of its module, and pass what it needs as arguments.",
        )
    if not name:
        raise CallRefused(
            f"{shown} has no name to call it by", hint="Give a function that a module defines."
        )
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, type | ModuleType):
        raise CallRefused(
            f"{shown!r} is a method of an object, which stays in this process",
            hint="Give a function, and pass what it needs as arguments.",
        )


def _module(function: Callable[..., object], shown: str) -> tuple[ModuleType, Path]:
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    if module is not None and module.__name__ == "__main__" and file is None:
        raise CallRefused(
            f"{shown!r} was typed in, and no file holds it",
            hint="Write it into a module, and import it from there.",
        )
    if module is None or file is None or not file.endswith(".py") or not Path(file).is_file():
        raise CallRefused(
            f"{shown!r} is not defined in a Python file",
            hint="Write a function that calls it into a module of yours.",
        )
    return module, Path(file).resolve()


def _at(module: ModuleType, name: str) -> object:
    try:
        found: object = reduce(getattr, name.split("."), module)
    except AttributeError:
        return None
    return found


def _place(module: ModuleType, file: Path) -> tuple[str, Path]:
    """The name that the module is imported by, and the folder that it is imported from."""
    spec = module.__spec__
    name = spec.name.removesuffix(".__main__") if spec is not None else module.__name__
    if spec is not None and spec.name != name:
        name = f"{name}.__main__"
    if name == "__main__":  # a script, which is the module of its file's name to others
        return file.stem, file.parent
    depth = name.count(".") + (file.name == "__init__.py")
    return name, file.parents[depth]


def _check_place(folder: Path, name: str, shown: str) -> None:
    if not _INSTALLED.isdisjoint(folder.parts) or folder.is_relative_to(_STANDARD):
        raise CallRefused(
            f"{shown!r} belongs to an installed package, which is no code of yours",
            hint="Write a function that calls it into a module of yours.",
        )
    if not all(part.isidentifier() for part in name.split(".")):
        raise CallRefused(
            f"{name!r} cannot be imported as a module", hint="Rename its file: letters, digits, _."
        )


def _arguments(args: Sequence[Any], kwargs: Mapping[str, Any], shown: str) -> str:
    given = {"args": list(args), "kwargs": dict(kwargs)}
    try:
        text = json.dumps(given, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise CallRefused(
            f"The arguments of {shown!r} are not JSON: {error}",
            hint="Pass numbers, texts, lists and objects; large data as a dataset.",
        ) from error
    if json.loads(text) != given:
        raise CallRefused(
            f"The arguments of {shown!r} would arrive as others: JSON has lists and names of text",
            hint="Pass lists instead of tuples, and objects whose names are texts.",
        )
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise CallRefused(
            f"The arguments of {shown!r} are longer than {MAX_BYTES} bytes",
            hint="Pass large data as a dataset: the `inputs` of the job's spec.",
        )
    return text
