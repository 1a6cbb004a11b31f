"""
Where a training stands, on disk: complete at any moment, and loaded without running code.

A new file replaces the old one by rename, so a kill leaves the one or the other. Loading accepts
tensors and plain values only.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from pileus.core.failpoints import failpoint

SCHEMA = 1
FILE_NAME = "checkpoint.pt"

State = dict[str, Any]
"""Tensors and plain values, nested."""


class Checkpoints:
    """Writes the state of one training, and reads that of the attempt before it."""

    def __init__(self, out: Path, earlier: Path, fingerprint: str) -> None:
        self._directory = out
        self._earlier = earlier
        self._fingerprint = fingerprint

    def save(self, state: State) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / FILE_NAME
        partial = path.with_suffix(".partial")
        document = {"schema": SCHEMA, "fingerprint": self._fingerprint, "state": state}
        with partial.open("wb") as stream:
            torch.save(document, stream)
        failpoint("checkpoint.written")
        partial.replace(path)

    def load(self) -> tuple[State | None, str | None]:
        """The state to go on from, or why an existing one cannot serve.

        Starting again loses time, refusing to start would lose the training.
        """
        path = self._earlier / FILE_NAME
        if not path.is_file():
            return None, None
        try:
            document = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # noqa: BLE001  a damaged file raises anything at all
            return None, f"the checkpoint cannot be read: {type(error).__name__}"
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            return None, "the checkpoint is of another version"
        if document.get("fingerprint") != self._fingerprint:
            return None, "the checkpoint is of other code, data or parameters"
        return document["state"], None

    def remove(self) -> None:
        """A finished training has no use for where it stood."""
        shutil.rmtree(self._directory, ignore_errors=True)
