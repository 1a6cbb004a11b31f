"""Blobs that the rows of tracking name."""

from pileus.storage.references import References
from pileus.tracking.tables import ARTIFACTS, METRIC_SEGMENTS, STREAMS

REFERENCES = (
    References(STREAMS, ("digest",)),
    References(METRIC_SEGMENTS, ("digest",)),
    References(ARTIFACTS, ("digest",)),
)
