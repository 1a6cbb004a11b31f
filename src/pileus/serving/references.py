"""Blobs that the rows of serving name."""

from pileus.serving.tables import SEGMENTS
from pileus.storage.references import References

REFERENCES = (References(SEGMENTS, ("digest",)),)
