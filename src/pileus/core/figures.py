"""
What a process counts about itself, and how Prometheus reads it.

Counting is plain numbers, cheap enough for a hot path; the text is made when somebody asks. The
families of a process are declared once, in its `figures.py`, and documented from there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from prometheus_client import Metric

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of a histogram of durations."""


class Histogram:
    """How many values were at most each bound, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound → how many values up to it."""
        total = 0
        found: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            found.append((bound, total))
        return found


@dataclass(frozen=True)
class Family:
    """One name of the text, as https://prometheus.io/docs/practices/naming/ has it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()

    def of(self, values: Mapping[tuple[str, ...], float | Histogram]) -> Reading:
        """A value for each combination of labels."""
        return Reading(self, values)

    def is_(self, value: float | Histogram) -> Reading:
        """The one value of a family without labels."""
        return Reading(self, {(): value})


@dataclass(frozen=True)
class Reading:
    """A family, and its values now."""

    family: Family
    values: Mapping[tuple[str, ...], float | Histogram]


PROCESS = (
    Family("process_cpu_seconds_total", "counter", "Processor time that the process used."),
    Family("process_resident_memory_bytes", "gauge", "Memory that the process holds."),
    Family("process_virtual_memory_bytes", "gauge", "Addresses that the process has mapped."),
    Family("process_start_time_seconds", "gauge", "When the process started, in Unix time."),
    Family("process_open_fds", "gauge", "File descriptors that are open."),
    Family("process_max_fds", "gauge", "File descriptors that may be open."),
)
"""What every process tells on Linux, from /proc."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(readings: Iterable[Reading]) -> bytes:
    """The text that Prometheus reads, with the figures of the process itself."""
    # Imported when first asked: few installations are scraped, and it costs memory.
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest  # see above

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Collected(readings))
    text: bytes = generate_latest(registry)
    return text


class _Collected:
    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = list(readings)

    def collect(self) -> Iterator[Metric]:
        for reading in self._readings:
            yield _metric(reading)

    def describe(self) -> list[Metric]:
        return []


def _metric(reading: Reading) -> Metric:
    from prometheus_client import core  # see above

    family = reading.family
    made: dict[str, Callable[..., Any]] = {
        "counter": core.CounterMetricFamily,
        "gauge": core.GaugeMetricFamily,
        "histogram": core.HistogramMetricFamily,
    }
    # Each of these classes has an `add_metric` with parameters of its own.
    metric: Any = made[family.kind](family.name, family.help, labels=family.labels)
    for labels, value in sorted(reading.values.items()):
        if isinstance(value, Histogram):
            metric.add_metric(labels, buckets=value.buckets(), sum_value=value.sum)
        else:
            metric.add_metric(labels, value)
    built: Metric = metric
    return built
