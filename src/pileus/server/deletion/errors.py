"""Errors of deletion."""

from pileus.core.errors import Conflict, InvalidRequest


class StillUsed(Conflict, code="still_used"):
    """Something that lives needs what should be deleted; the message says what."""


class NotDeletable(InvalidRequest, code="not_deletable"):
    """Something that is never deleted; the message says why."""
