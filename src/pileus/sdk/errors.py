"""Errors that the client finds by itself."""

from pileus.core.errors import Conflict, InvalidRequest


class SnapshotRefused(InvalidRequest, code="snapshot_refused"):
    """A folder that no code snapshot can be taken of; the message says why."""


class CallRefused(InvalidRequest, code="call_refused"):
    """A function that no job can call; the message says why."""


class NoResult(Conflict, code="no_result"):
    """A job that did not succeed, or did not call a function, has no result to give."""
