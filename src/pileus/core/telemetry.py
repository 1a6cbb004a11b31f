"""Libraries of ours that would report to their makers are told not to: nothing leaves unasked."""

from __future__ import annotations

import os
from collections.abc import Mapping

OFF: Mapping[str, str] = {
    # From 1.29 on, ONNX Runtime for Linux and macOS sends names and hashes of models to a collector
    # of Microsoft's, from when it is imported (microsoft/onnxruntime, pull request 27379).
    "ORT_DISABLE_TELEMETRY": "1",
}
"""Variables that are read when a library is first imported."""


def turn_off() -> None:
    """To be called before such a library is imported."""
    os.environ.update(OFF)
