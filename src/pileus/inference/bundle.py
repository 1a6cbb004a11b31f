"""
Reads a bundle's description and checks that its files are the ones that were made.

Runs nothing: `runtime.py` does.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec

from pileus.inference.datatypes import DATATYPES
from pileus.inference.errors import BundleDamaged, BundleUnreadable

DESCRIPTION = "bundle.json"
SCHEMA = 1


class Column(msgspec.Struct, frozen=True):
    """One column of a table input, in the order of the features."""

    name: str
    type: Literal["number", "category"]
    values: tuple[str, ...] | None = None
    """Of a category: the value at index i has code i."""


class InputSpec(msgspec.Struct, frozen=True):
    """One input of the graph. A dimension of -1 may have any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    content: Literal["image", "row", "text", "tensor"] = "tensor"
    mode: Literal["L", "RGB"] | None = None
    columns: tuple[Column, ...] | None = None


class OutputSpec(msgspec.Struct, frozen=True):
    """One output of the graph."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class BundledFile(msgspec.Struct, frozen=True):
    """A file of the bundle and the digest it was made with."""

    path: str
    sha256: str
    size: int


class Bundle(msgspec.Struct, frozen=True):
    """`bundle.json`: a graph and its signature."""

    schema: int
    graph: str
    task: str
    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]
    classes: tuple[str, ...] | None = None
    opset: int | None = None
    framework: str | None = None
    recipe: dict[str, Any] | None = None
    files: tuple[BundledFile, ...] = ()


def read_bundle(directory: Path) -> Bundle:
    """The bundle in `directory`, its files checked. Raises BundleUnreadable or BundleDamaged."""
    bundle = _parse(directory / DESCRIPTION)
    for path in (bundle.graph, *(file.path for file in bundle.files)):
        check_path(path)
    for file in bundle.files:
        _check_file(directory / file.path, file)
    if not (directory / bundle.graph).is_file():
        raise BundleDamaged(
            f"The bundle's graph {bundle.graph!r} is missing",
            hint="Register the model version again from its job.",
        )
    return bundle


def check_path(path: str) -> None:
    """Raises BundleUnreadable unless `path` stays inside the bundle's directory."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise BundleUnreadable(
            f"A bundle may not name the file {path!r}",
            hint="Paths of a bundle are relative to it and stay inside it.",
        )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parse(path: Path) -> Bundle:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BundleDamaged(
            f"The bundle has no readable {DESCRIPTION!r}: {error.strerror}",
            hint="Register the model version again from its job.",
        ) from error
    try:
        bundle = msgspec.json.decode(raw, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleUnreadable(
            f"{DESCRIPTION!r} is not a bundle's description: {error}",
            hint="Export the model with this version of Pileus.",
        ) from error
    _check_signature(bundle)
    return bundle


def _check_signature(bundle: Bundle) -> None:
    if bundle.schema != SCHEMA:
        raise BundleUnreadable(
            f"The bundle has schema {bundle.schema!r}; this version reads {SCHEMA}",
            hint="Use the version of Pileus that wrote it, or a newer one.",
        )
    specs: list[InputSpec | OutputSpec] = [*bundle.inputs, *bundle.outputs]
    for spec in specs:
        if spec.datatype not in DATATYPES:
            raise BundleUnreadable(
                f"Tensor {spec.name!r} of the bundle has datatype {spec.datatype!r}",
                hint=f"Known datatypes are {', '.join(DATATYPES)}.",
            )
    names = [spec.name for spec in bundle.inputs]
    if not names or not bundle.outputs or len(set(names)) != len(names):
        raise BundleUnreadable(
            f"The bundle has inputs {names!r} and {len(bundle.outputs)} outputs",
            hint="A graph needs at least one input and one output, each named once.",
        )
    if any(not spec.shape or min(spec.shape) < -1 or 0 in spec.shape for spec in bundle.inputs):
        raise BundleUnreadable(
            f"Inputs {names!r} have shapes {[list(spec.shape) for spec in bundle.inputs]}",
            hint="Each has at least one dimension: the rows, then positive sizes or -1.",
        )


def _check_file(path: Path, file: BundledFile) -> None:
    try:
        size, digest = path.stat().st_size, file_sha256(path)
    except OSError as error:
        raise BundleDamaged(
            f"The bundle's file {file.path!r} cannot be read: {error.strerror}",
            hint="Register the model version again from its job.",
        ) from error
    if (size, digest) != (file.size, file.sha256):
        raise BundleDamaged(
            f"The bundle's file {file.path!r} has digest {digest!r}, not {file.sha256!r}",
            hint="Delete the bundle from the cache, so that it is fetched again.",
        )
