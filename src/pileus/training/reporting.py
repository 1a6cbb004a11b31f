"""What a training says while it runs: metrics for the tracking, lines for the log."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Protocol


class MetricLog(Protocol):
    """Takes one value of a metric."""

    def log_metric(self, name: str, value: float, step: int) -> None: ...


class Reporter:
    """Writes each number once as a metric and, epoch by epoch, as a line of the log."""

    def __init__(self, log: MetricLog, epochs: int) -> None:
        self._log = log
        self._epochs = epochs

    def say(self, line: str) -> None:
        """One line of the log, at once."""
        say(line)

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        """The metrics of an epoch, counted from 1."""
        for name, value in metrics.items():
            self._log.log_metric(name, value, number)
        shown = "  ".join(f"{name} {value:,.4g}" for name, value in metrics.items())
        width = len(str(self._epochs))
        say(f"epoch {number:>{width}}/{self._epochs}  {shown}")

    def progress(self, fraction: float, step: int) -> None:
        """How much of the training is done, 0 to 1, at a step of the optimizer."""
        self._log.log_metric("progress", fraction, step)


def say(line: str) -> None:
    """One line of the attempt's log, at once: a log that lags is no log."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
