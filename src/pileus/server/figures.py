"""What the server counts, and the families that `/metrics` makes of it and of the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pileus import __version__
from pileus.core.figures import Family, Histogram, Reading
from pileus.core.schemas.jobs import JobStatus
from pileus.jobs.store import is_answering, jobs, nodes
from pileus.jobs.tables import JOBS, LEASES
from pileus.metering.tables import STORAGE_METERS
from pileus.server.rounds import Rounds
from pileus.storage.transaction import Snapshot
from pileus.storage.writes import Writes

BUILD = Family("pileus_build_info", "gauge", "Always 1; the version is a label.", ("version",))
REQUESTS = Family(
    "pileus_server_requests_total",
    "counter",
    "Requests answered, by the route's template below /api/v1.",
    ("route", "method", "status"),
)
SECONDS = Family(
    "pileus_server_request_seconds",
    "histogram",
    "From a request to the end of its answer. Long polls wait for news on purpose.",
    ("route", "method"),
)
IN_FLIGHT = Family("pileus_server_requests_in_flight", "gauge", "Requests not yet answered.")
JOBS_BY_STATUS = Family("pileus_jobs", "gauge", "Jobs of all projects, by status.", ("status",))
QUEUE_AGE = Family(
    "pileus_queue_oldest_age_seconds", "gauge", "How long the oldest queued job has waited."
)
LEASES_HELD = Family("pileus_leases_held", "gauge", "Leases that are not released.")
NODES = Family(
    "pileus_nodes",
    "gauge",
    "Nodes of the installation: answering, or not heard lately.",
    ("state",),
)
BLOBS = Family("pileus_blobs_bytes", "gauge", "Bytes that all projects keep and are charged for.")
PROJECTS = Family("pileus_projects_storing", "gauge", "Projects that keep any bytes.")
FEED = Family(
    "pileus_feed_changes_total", "counter", "Changes of rows since the installation was made."
)
WRITE_SECONDS = Family(
    "pileus_database_write_seconds",
    "histogram",
    "What a writer waited, its place in line included.",
)
WRITE_GROUP = Family(
    "pileus_database_write_group", "histogram", "Units of work that shared a commit."
)
ROUND_SECONDS = Family(
    "pileus_server_round_seconds",
    "histogram",
    "How long a round of regular work took, such as metering.",
    ("work",),
)
ROUNDS_FAILED = Family(
    "pileus_server_rounds_failed_total", "counter", "Rounds of regular work that failed.", ("work",)
)

FAMILIES = (
    *(BUILD, REQUESTS, SECONDS, IN_FLIGHT, JOBS_BY_STATUS, QUEUE_AGE, LEASES_HELD, NODES, BLOBS),
    *(PROJECTS, FEED, WRITE_SECONDS, WRITE_GROUP, ROUND_SECONDS, ROUNDS_FAILED),
)


class Figures:
    """Counters of the server process."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.requests: dict[tuple[str, ...], int] = {}
        self.seconds: dict[tuple[str, ...], Histogram] = {}
        self.rounds = Rounds()

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request. Routes, methods and statuses are few; nothing else is a label."""
        key = (route, method, str(status))
        self.requests[key] = self.requests.get(key, 0) + 1
        self.seconds.setdefault((route, method), Histogram()).observe(seconds)

    def readings(self, writes: Writes, state: list[Reading]) -> list[Reading]:
        """Everything that `/metrics` tells; `state` is what the database knows."""
        rounds = self.rounds
        return [
            BUILD.of({(__version__,): 1}),
            REQUESTS.of(self.requests),
            SECONDS.of(self.seconds),
            IN_FLIGHT.is_(self.in_flight),
            *state,
            WRITE_SECONDS.is_(writes.seconds),
            WRITE_GROUP.is_(writes.groups),
            ROUND_SECONDS.of({(work,): found for work, found in rounds.seconds.items()}),
            ROUNDS_FAILED.of({(work,): count for work, count in rounds.failures.items()}),
        ]


def state_of(snapshot: Snapshot, lease_seconds: float) -> list[Reading]:
    """What the database tells of jobs, nodes and bytes at this moment."""
    by_status: Mapping[str, int] = {
        record["status"]: record["count"] for record in snapshot.total(JOBS, (), by=("status",))
    }
    oldest = jobs.find(
        snapshot, [("status", "=", JobStatus.QUEUED.value)], order=["created_at"], limit=1
    )
    waited = snapshot.now - oldest[0].created_at if oldest else timedelta(0)
    answering = [is_answering(node, snapshot.now, lease_seconds) for node in nodes.find(snapshot)]
    [held] = snapshot.total(LEASES, (), [("released_at", "=", None)])
    [stored] = snapshot.total(STORAGE_METERS, ("bytes",))
    return [
        JOBS_BY_STATUS.of(
            {(status.value,): by_status.get(status.value, 0) for status in JobStatus}
        ),
        QUEUE_AGE.is_(max(0.0, waited.total_seconds())),
        LEASES_HELD.is_(held["count"]),
        NODES.of({("answering",): sum(answering), ("silent",): len(answering) - sum(answering)}),
        BLOBS.is_(stored["bytes"]),
        PROJECTS.is_(stored["count"]),
        FEED.is_(snapshot.last_change()),
    ]
