"""
Hands secrets to an attempt, and keeps them out of what it leaves on the node.

The worker places them, in memory where the node has files there; the runner takes the values, puts
them into the attempt's environment, and reads what the attempt writes through pipes: only masked
bytes reach a file. The runner does it because it lives as long as the attempt, whatever becomes of
the worker. Standard library only.
"""

from __future__ import annotations

import base64
import os
import select
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pileus.compute.command import Outputs
from pileus.compute.files import read_json, replace_json
from pileus.compute.layout import PRIVATE_DIRECTORY, PRIVATE_FILE, Layout
from pileus.compute.masking import Masker, masked, patterns_of
from pileus.core.failpoints import failpoint

_PIECE_BYTES = 65536
_LOOK_SECONDS = 0.5
"""How long a pipe that somebody still holds may be silent after the attempt's end."""

_LAST_SECONDS = 5.0
"""After its end nothing of an attempt writes; a process that got away must not hold us up."""


class Given(NamedTuple):
    """What the runner took."""

    env: Mapping[str, str]
    values: Sequence[bytes]
    directory: Path
    """Where the files are: looked up before anything of the attempt ran, which may move links."""

    def remove(self) -> None:
        """No file is there any more. What the attempt put beside them, the worker removes."""
        with suppress(OSError):
            for path in self.directory.iterdir():
                with suppress(OSError):
                    path.unlink()
            self.directory.rmdir()


def place(
    layout: Layout,
    target: Path | None,
    variables: Mapping[str, bytes],
    files: Mapping[str, bytes],
) -> None:
    """Fill the directory of an attempt's secrets: `target`, with a link to it, or its own."""
    directory = target or layout.secrets
    directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    if target is not None and not layout.secrets.is_symlink():
        layout.secrets.symlink_to(target)
    for name, value in files.items():
        _write(directory / name, value)
    failpoint("secrets.files_placed")
    encoded = {name: base64.b64encode(value).decode() for name, value in variables.items()}
    others = [base64.b64encode(value).decode() for value in files.values()]
    replace_json(directory / layout.secret_values.name, {"env": encoded, "others": others})


def take(layout: Layout) -> Given | None:
    """What was placed; the values are in no file but those that the job asked for from then on."""
    document = read_json(layout.secret_values)
    if document is None:
        return None
    directory = layout.secrets.resolve()
    layout.secret_values.unlink()
    failpoint("secrets.taken")
    values = {name: base64.b64decode(text) for name, text in document["env"].items()}
    return Given(
        env={name: os.fsdecode(value) for name, value in values.items()},
        values=[*values.values(), *map(base64.b64decode, document["others"])],
        directory=directory,
    )


class MaskedOutput:
    """Pipes in the place of an attempt's stdout and stderr, and a thread from them to the files.

    A file that cannot be written any more closes its pipe: the attempt's next write fails, as it
    would have failed on the file.
    """

    def __init__(self, layout: Layout, values: Sequence[bytes]) -> None:
        patterns = patterns_of(values)
        pipes = [os.pipe(), os.pipe()]
        paths = (layout.stdout, layout.stderr)
        self._streams = {
            pipe[0]: _Stream(path, Masker(patterns))
            for pipe, path in zip(pipes, paths, strict=True)
        }
        (_, stdout), (_, stderr) = pipes
        self.ends = Outputs(stdout, stderr, tuple(self._streams))
        self._is_over = False
        self._thread = threading.Thread(target=self._pass_on, daemon=True)

    def start(self) -> None:
        """The attempt has its ends, or will never have them."""
        os.close(self.ends.stdout)
        os.close(self.ends.stderr)
        self._thread.start()

    def finish(self) -> None:
        """All that the attempt wrote is in its files."""
        self._is_over = True
        if self._thread.ident is None:
            self.start()
        self._thread.join(_LAST_SECONDS)

    def _pass_on(self) -> None:
        while self._streams:
            ready = select.select(list(self._streams), [], [], _LOOK_SECONDS)[0]
            if not ready and self._is_over:
                break
            for descriptor in ready:
                self._read(descriptor)
        for descriptor in list(self._streams):
            self._end(descriptor)

    def _read(self, descriptor: int) -> None:
        data = os.read(descriptor, _PIECE_BYTES)
        try:
            if data:
                self._streams[descriptor].write(data)
            else:
                self._end(descriptor)
        except OSError:
            os.close(descriptor)
            del self._streams[descriptor]

    def _end(self, descriptor: int) -> None:
        with suppress(OSError):
            self._streams[descriptor].end()
        os.close(descriptor)
        del self._streams[descriptor]


class _Stream:
    def __init__(self, path: Path, masker: Masker) -> None:
        self._masker = masker
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)

    def write(self, data: bytes) -> None:
        _write_all(self._file, self._masker.feed(data))

    def end(self) -> None:
        try:
            _write_all(self._file, self._masker.finish())
        finally:
            os.close(self._file)


def mask_result(layout: Layout, values: Sequence[bytes]) -> None:
    """Mask what the attempt said of itself. It wrote that file on its own."""
    document = read_json(layout.result)
    if document is None:
        return
    patterns = patterns_of(values)
    told = _value(document, patterns)
    if told != document:
        replace_json(layout.result, told)


def _value(value: Any, patterns: Sequence[bytes]) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, str):
        return _text(value, patterns)
    if isinstance(value, dict):
        return {_text(name, patterns): _value(inner, patterns) for name, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner, patterns) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    shown = str(value)
    return value if _text(shown, patterns) == shown else _text(shown, patterns)


def _text(text: str, patterns: Sequence[bytes]) -> str:
    return masked(text.encode("utf-8", "surrogatepass"), patterns).decode("utf-8", "replace")


def _write(path: Path, value: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    try:
        _write_all(descriptor, value)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
