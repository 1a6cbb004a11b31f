"""Blobs that jobs need: inputs, until the job has ended. What attempts left is tracking's."""

from pileus.core.schemas.jobs import JobStatus
from pileus.jobs.tables import JOBS
from pileus.storage.references import References

LIVE_JOBS = [status.value for status in JobStatus if not status.is_final]

REFERENCES = (References(JOBS, ("inputs",), [("status", "in", LIVE_JOBS)]),)
