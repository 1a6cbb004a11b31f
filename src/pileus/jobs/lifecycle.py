"""The state machine of jobs and attempts: pure functions of values.

A job: queued → running → succeeded | failed | cancelled; back to queued when an attempt ends for
a reason that another try may cure, or was preempted. It never leaves a final status. One that needs
others is waiting before it is queued: `needs.py`.

A gang is a job with several attempts at once: `gangs.py`.

An attempt: granted → running → succeeded | failed | stopped; *suspect* in between while its lease
has run out, until its node answers for it or can no longer be running it.

Success is never inferred: exit code 0 and, for a recipe, a result that says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pileus.core.schemas.jobs import Attempt, AttemptStatus, Job, JobStatus, StopReason
from pileus.jobs.settings import JobsSettings

CURABLE = {
    "killed": "Somebody on the node killed it",
    "runner_lost": "The runner vanished",
    "node_failed": "The node could not start it",
    "node_lost": "The node stopped answering",
    "fenced": "The node lost its connection for too long",
}
"""Reasons of an exit that say nothing about the job itself; another try may go well."""


@dataclass(frozen=True)
class End:
    """What an ended attempt means."""

    attempt: AttemptStatus
    job: JobStatus
    reason: str | None = None
    hint: str | None = None
    is_failure: bool = False
    """Counts against `max_attempts`."""


def judge(
    job: Job, attempt: Attempt, exit_: Mapping[str, Any], result: Mapping[str, Any] | None
) -> End:
    """How the end of `attempt` moves it and its job."""
    why = str(exit_.get("reason") or "exited")
    asked = job.stop_requested
    # A request to stop that came too late changes nothing: a runner that saw it says so.
    if _succeeded(job, exit_, result):
        return End(AttemptStatus.SUCCEEDED, JobStatus.SUCCEEDED)
    if asked is StopReason.CANCEL:
        return End(AttemptStatus.STOPPED, JobStatus.CANCELLED, "Cancelled on request")
    if asked is StopReason.PREEMPT or why == StopReason.PREEMPT:
        return End(AttemptStatus.STOPPED, JobStatus.QUEUED, "Preempted; goes on from a checkpoint")
    if why in CURABLE:
        return _curable(job, attempt, CURABLE[why])
    if why == StopReason.PEER:
        reason = "Stopped, because another member of its gang has ended without success"
        return End(AttemptStatus.STOPPED, JobStatus.FAILED, reason)
    return _failed(job, attempt, why, exit_, result)


def _succeeded(job: Job, exit_: Mapping[str, Any], result: Mapping[str, Any] | None) -> bool:
    if exit_.get("reason", "exited") != "exited" or exit_.get("code") != 0:
        return False
    return job.kind == "command" or (result or {}).get("status") == "succeeded"


def _curable(job: Job, attempt: Attempt, what: str) -> End:
    if job.failures + 1 >= job.spec.max_attempts:
        return End(
            AttemptStatus.FAILED,
            JobStatus.FAILED,
            f"{what}, and this was the last of {job.spec.max_attempts} tries",
            "Submit it again, or allow more with max_attempts.",
            is_failure=True,
        )
    reason = f"{what} during attempt {attempt.number}; it will be tried again"
    return End(AttemptStatus.FAILED, JobStatus.QUEUED, reason, is_failure=True)


def _failed(
    job: Job,
    attempt: Attempt,
    why: str,
    exit_: Mapping[str, Any],
    result: Mapping[str, Any] | None,
) -> End:
    rank = f" --rank {attempt.rank}" if job.spec.gang > 1 else ""
    logs = f"Read its output with `pileus job logs {job.id}{rank}`."
    hint: str | None = logs
    error = (result or {}).get("error")
    if why == "timeout":
        limit = job.spec.timeout_seconds
        reason = "Stopped after its timeout" + (f" of {limit:g} s" if limit else "")
        hint = "Allow more time with timeout_seconds, or make it faster."
    elif why == "out_of_memory":
        reason, hint = _out_of_memory(job, exit_)
    elif why == "disk_full":
        limit_mib = job.spec.resources.disk_mib
        reason = (
            f"Ran out of disk: wrote {exit_.get('peak_disk_mib')} MiB, asked for {limit_mib} MiB"
        )
        hint = f"Ask for more: --disk {_more(limit_mib or 0)}."
    elif why == "secret_missing":
        reason = str(exit_.get("message"))
        hint = "Have it set again with `pileus secret set`, then submit the job again."
    elif isinstance(error, Mapping):
        reason, hint = str(error.get("message")), str(error.get("hint") or logs)
    elif exit_.get("message"):
        reason = str(exit_["message"])
    elif exit_.get("signal"):
        reason = f"Ended by signal {exit_['signal']}"
    elif exit_.get("code") == 0:
        reason = "Exited with code 0 but left no result that says it succeeded"
    else:
        reason = f"Exited with code {exit_.get('code')}"
    return End(AttemptStatus.FAILED, JobStatus.FAILED, reason, hint)


def _out_of_memory(job: Job, exit_: Mapping[str, Any]) -> tuple[str, str]:
    limit_mib = job.spec.resources.memory_mib
    # Of all processes together, or of the largest where the node did not count them.
    peak = exit_.get("peak_memory_mib") or exit_.get("peak_rss_mib")
    reason = f"Ran out of memory: used {peak} MiB, asked for {limit_mib} MiB"
    used = peak if isinstance(peak, int) else 0
    return reason, f"Ask for more: --memory {_more(max(limit_mib, used))}."


def _more(mib: int) -> str:
    """The next power of two that leaves half as much again, as an option spells it."""
    wanted = 1 << max(0, math.ceil(math.log2(max(1, mib) * 1.5)))
    return f"{wanted // 1024}Gi" if wanted >= 1024 else f"{wanted}Mi"


def ended_attempt(
    attempt: Attempt,
    end: End,
    exit_: Mapping[str, Any],
    result: Mapping[str, Any] | None,
    ended_at: datetime,
) -> Attempt:
    """The attempt after its end."""
    return attempt.model_copy(
        update={
            "status": end.attempt,
            "ended_at": ended_at,
            "reason": end.reason,
            "exit": dict(exit_),
            "result": None if result is None else dict(result),
        }
    )


def ended_job(
    job: Job,
    end: End,
    result: Mapping[str, Any] | None,
    now: datetime,
    settings: JobsSettings,
) -> Job:
    """The job after an attempt's end: final, or queued again with a back-off."""
    failures = job.failures + end.is_failure
    update: dict[str, Any] = {
        "status": end.job,
        "reason": end.reason,
        "hint": end.hint,
        "failures": failures,
        "stop_requested": None,
    }
    if end.job.is_final:
        update["ended_at"] = now
        update["summary"] = dict((result or {}).get("summary") or {})
    elif end.is_failure:
        wait = min(settings.retry_seconds * 2 ** (failures - 1), settings.retry_seconds_max)
        update["not_before"] = now + timedelta(seconds=wait)
    return job.model_copy(update=update)


def cancelled(job: Job, now: datetime) -> Job:
    """A queued job that someone cancelled."""
    return job.model_copy(
        update={
            "status": JobStatus.CANCELLED,
            "ended_at": now,
            "reason": "Cancelled on request before it started",
            "hint": None,
        }
    )
