"""What a gateway lane counts, and the families that `/metrics` makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pileus import __version__
from pileus.core.figures import Family, Histogram, Reading

if TYPE_CHECKING:
    from pileus.gateway.meters import Meters
    from pileus.gateway.records import Records
    from pileus.gateway.routes import LiveRoutes
    from pileus.gateway.shipping import Shipper

LATENCIES = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0)
BATCHES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)

MAX_SERIES = 2000
"""Revisions and outcomes that are told apart; what comes after is counted as `other`."""

OTHER = "other"

BUILD = Family("pileus_build_info", "gauge", "Always 1; the version is a label.", ("version",))
PREDICTIONS = Family(
    "pileus_gateway_predictions_total",
    "counter",
    "Requests for a prediction that reached an endpoint; outcome is `ok` or the code of an error.",
    ("endpoint", "revision", "outcome"),
)
SECONDS = Family(
    "pileus_gateway_prediction_seconds",
    "histogram",
    "From the request to the answer, by endpoint and revision.",
    ("endpoint", "revision"),
)
BATCH = Family(
    "pileus_gateway_batch_rows", "histogram", "Rows that were computed together, for each request."
)
IN_FLIGHT = Family("pileus_gateway_requests_in_flight", "gauge", "Requests not yet answered.")
REFUSED = Family(
    "pileus_gateway_refused_total",
    "counter",
    "Requests that reached no endpoint, by the code of the error.",
    ("code",),
)
DROPPED = Family(
    "pileus_gateway_records_dropped_total",
    "counter",
    "Records of predictions that were lost for want of room; meters are complete.",
)
METERS = Family(
    "pileus_gateway_meters_unshipped",
    "gauge",
    "Counts of meters that the server has not taken yet.",
)
SEGMENTS = Family(
    "pileus_gateway_segments_unshipped", "gauge", "Sealed segments of records that wait."
)
SEGMENT_BYTES = Family(
    "pileus_gateway_segments_unshipped_bytes", "gauge", "Bytes of sealed segments that wait."
)
SHIPPED = Family(
    "pileus_gateway_shipments_total",
    "counter",
    "Rounds in which meters and records went to the server, by outcome.",
    ("outcome",),
)
LIVE = Family("pileus_gateway_revisions_live", "gauge", "Revisions that answer.")
WANTED = Family("pileus_gateway_revisions_wanted", "gauge", "Revisions that should answer.")
CONTACT = Family(
    "pileus_gateway_server_contact_age_seconds",
    "gauge",
    "How old the news of routes and tokens is; absent until the server was heard.",
)
LOADS_FAILED = Family(
    "pileus_gateway_loads_failed_total", "counter", "Tries to load a revision that failed."
)

FAMILIES = (
    *(BUILD, PREDICTIONS, SECONDS, BATCH, IN_FLIGHT, REFUSED, DROPPED, METERS, SEGMENTS),
    *(SEGMENT_BYTES, SHIPPED, LIVE, WANTED, CONTACT, LOADS_FAILED),
)


class Figures:
    """Counters of one lane: plain numbers, advanced on the hot path."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.outcomes: dict[tuple[str, str], int] = {}
        """(revision, outcome) → requests."""

        self.seconds: dict[str, Histogram] = {}
        self.batches = Histogram(BATCHES)
        self.refusals: dict[str, int] = {}

    def predicted(self, revision: str, outcome: str, seconds: float, batch: int) -> None:
        """Count one request that reached an endpoint."""
        histogram = self.seconds.get(revision)
        if histogram is None:
            revision, histogram = self._new(revision)
        key = (revision, outcome)
        self.outcomes[key] = self.outcomes.get(key, 0) + 1
        histogram.observe(seconds)
        if batch:
            self.batches.observe(batch)

    def refused(self, code: str) -> None:
        """Count one request that did not; codes are those of our errors, so they are few."""
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def _new(self, revision: str) -> tuple[str, Histogram]:
        if len(self.seconds) >= MAX_SERIES:
            revision = OTHER
        return revision, self.seconds.setdefault(revision, Histogram(LATENCIES))


def readings(
    figures: Figures, routes: LiveRoutes, meters: Meters, records: Records, shipper: Shipper
) -> list[Reading]:
    """Everything that `/metrics` tells of a lane."""
    names = routes.endpoint_names
    waiting = shipper.waiting()
    contact = routes.seconds_since_contact
    by_name: dict[tuple[str, ...], float | Histogram] = {
        (names.get(revision, ""), revision, outcome): count
        for (revision, outcome), count in figures.outcomes.items()
    }
    return [
        BUILD.of({(__version__,): 1}),
        PREDICTIONS.of(by_name),
        SECONDS.of({(names.get(r, ""), r): found for r, found in figures.seconds.items()}),
        BATCH.is_(figures.batches),
        IN_FLIGHT.is_(figures.in_flight),
        REFUSED.of({(code,): count for code, count in figures.refusals.items()}),
        DROPPED.is_(records.dropped),
        METERS.is_(meters.report().sequence - shipper.taken),
        SEGMENTS.is_(len(waiting)),
        SEGMENT_BYTES.is_(sum(segment.size for segment in waiting)),
        SHIPPED.of({(outcome,): count for outcome, count in shipper.rounds.items()}),
        LIVE.is_(routes.live_count),
        WANTED.is_(routes.wanted_count),
        CONTACT.of({} if contact is None else {(): contact}),
        LOADS_FAILED.is_(routes.failures),
    ]
