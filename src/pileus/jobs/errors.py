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


class NodeNotFound(NotFound, code="node_not_found"):
    """No node has that name."""


class NodeInUse(Conflict, code="node_in_use"):
    """The node answers, or attempts on it may still run."""


class JobRefused(InvalidRequest, code="job_refused"):
    """A spec that can never run; the message says why."""


class AttemptNotFound(NotFound, code="attempt_not_found"):
    """No such attempt of the job."""


class QuotaNotFound(NotFound, code="quota_not_found"):
    """The project has no quota: it is not limited."""


class NeedEnded(Conflict, code="need_ended"):
    """A job needs one that has ended already, and not as it should have."""

    def __init__(self, need: str, status: str) -> None:
        super().__init__(
            f"Job {need!r}, which is needed, has {status} already",
            hint="Name one that succeeded or has not ended, or set needs_on to 'any'.",
        )


class OutputMissing(Conflict, code="output_missing"):
    """A job reads what one that it needs has not left."""

    def __init__(self, need: str, what: str) -> None:
        super().__init__(
            f"Job {need!r} has left no {what}",
            hint=f"`pileus job artifacts {need}` lists what it left.",
        )
        self.need = need


class PipelineNotFound(NotFound, code="pipeline_not_found"):
    """No pipeline of that id in the project."""


class PipelineEnded(Conflict, code="pipeline_ended"):
    """The pipeline has ended already."""


class PipelineNotOver(Conflict, code="pipeline_not_over"):
    """A job of the pipeline has not ended."""


class PipelineRefused(InvalidRequest, code="pipeline_refused"):
    """A pipeline that can never run; the message names the job and says why."""


class ScheduleRefused(InvalidRequest, code="schedule_refused"):
    """A schedule that could never run, or may not any more; the message says why."""


class ScheduleNotFound(NotFound, code="schedule_not_found"):
    """No schedule of that name in the project."""


class ScheduleExists(Conflict, code="schedule_exists"):
    """The project has a schedule of that name."""
