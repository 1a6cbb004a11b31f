"""The device that computes, and how much of it."""

from __future__ import annotations

from math import prod

import torch

from pileus.training.settings import TrainingSettings

_SMALL_BATCH = 32_768
"""
Numbers in a batch below which a second thread costs more than it brings: it waits in a loop for its
share. The digits: 2.7 s with either beside idle neighbours, 4.6 s and 11 s beside a busy one.
"""


def threads(settings: TrainingSettings, batch_size: int, shape: tuple[int, ...]) -> int:
    """Threads that are worth their cost for batches of rows of `shape`."""
    return 1 if batch_size * prod(shape) < _SMALL_BATCH else settings.threads


def prepare(threads: int, seed: int) -> torch.device:
    """A GPU if the attempt sees one, else the processors of its lease; the same numbers each time.

    Sets process-wide state of torch: an attempt is one training.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def describe(device: torch.device) -> str:
    """For a line of the log."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    count = torch.get_num_threads()
    return f"{count} processor thread{'s' if count > 1 else ''}"
