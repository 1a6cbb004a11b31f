"""Errors of the job engine."""

from pileus.core.errors import Conflict, InvalidRequest, NotFound


class JobNotFound(NotFound, code="job_not_found"):
    """No job of that id in the project."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id!r} not found", hint="List jobs with `pileus job list`.")


class JobEnded(Conflict, code="job_ended"):
    """The job has ended already."""


class NodeUnknown(NotFound, code="node_unknown"):
    """The node has not registered, or another worker has taken its name."""


class JobRefused(InvalidRequest, code="job_refused"):
    """A spec that can never run; the message says why."""


class AttemptNotFound(NotFound, code="attempt_not_found"):
    """No such attempt of the job."""


class QuotaNotFound(NotFound, code="quota_not_found"):
    """The project has no quota: it is not limited."""
