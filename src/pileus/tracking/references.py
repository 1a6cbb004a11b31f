"""Blobs that the rows of tracking name."""

from pileus.storage.references import References
from pileus.tracking.tables import ARTIFACTS, STREAMS

REFERENCES = (References(STREAMS, ("digest",)), References(ARTIFACTS, ("digest",)))
