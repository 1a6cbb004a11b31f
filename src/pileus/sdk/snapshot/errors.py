"""Errors of taking a code snapshot."""

from pileus.core.errors import InvalidRequest


class SnapshotRefused(InvalidRequest, code="snapshot_refused"):
    """A folder that no code snapshot can be taken of; the message says why."""
