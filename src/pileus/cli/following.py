"""Follows a training job to its end, with a bar that moves by its metrics when a person watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pileus.core.errors import Conflict

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pileus.cli.session import Session
    from pileus.sdk import Client
    from pileus.sdk.api import Document

EVERY_SECONDS = 0.25

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0

ASK_AFTER_SECONDS = 1.0
"""A job that starts at once has started by then."""

ASK_EVERY_SECONDS = 5.0
_NOT_STARTED = {"waiting", "queued"}

_FRACTION = "progress"
"""Metric of a training: how much of it is done, 0 to 1."""

_SHOWN = ("validation_accuracy", "accuracy", "validation_loss", "train_loss", "loss")


class JobDidNotSucceed(Conflict, code="job_did_not_succeed"):
    """A job that was waited for failed or was cancelled."""


class PipelineDidNotSucceed(Conflict, code="pipeline_did_not_succeed"):
    """A pipeline that was waited for failed or was cancelled."""


def follow_training(session: Session, job: Document) -> Document:
    """The job once it has ended; Ctrl-C leaves it running and says so."""
    with leaving_it_running(session, job["id"]):
        return watch_training(session, job)


@contextmanager
def leaving_it_running(session: Session, job: str) -> Iterator[None]:
    """Ctrl-C ends the watching, not the job, and says so."""
    try:
        yield
    except KeyboardInterrupt:
        session.output.note(
            f"The job goes on. Follow it with `pileus job logs -f {job}`,"
            f" stop it with `pileus job cancel {job}`."
        )
        raise


def watch_training(session: Session, job: Document) -> Document:
    """The job once it has ended."""
    if session.output.is_live:
        return _with_bar(session, job)
    wait_for_start(session, job["id"])
    return session.client.jobs.wait(job["id"], every_seconds=EVERY_SECONDS)


def wait_for_start(session: Session, job: str) -> None:
    """Until the job no longer waits; a note says what for."""
    waits = Waits(session.client, job, session.output.note)
    pause = FIRST_PAUSE_SECONDS
    while session.client.jobs.get(job)["status"] in _NOT_STARTED:
        waits.tell()
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


class Waits:
    """Says why a queued job does not run yet, once it is worth asking, and again when it changes."""

    def __init__(self, client: Client, job: str, say: Callable[[str], None]) -> None:
        self._client = client
        self._job = job
        self._say = say
        self._ask_at = time.monotonic() + ASK_AFTER_SECONDS
        self._said: str | None = None

    def tell(self) -> None:
        """Say the reason and the next step, unless they were just said."""
        if time.monotonic() < self._ask_at:
            return
        self._ask_at = time.monotonic() + ASK_EVERY_SECONDS
        found = self._client.lineage.why(self._job)
        parts = (found.get("reason"), found.get("hint"))
        reason = ". ".join(str(part) for part in parts if part)
        if found.get("state") in _NOT_STARTED and reason != self._said:
            self._said = reason
            self._say(f"[yellow]Waiting:[/] {escaped(reason)}")


def escaped(text: str) -> str:
    """Text of somebody else, safe within Rich's markup."""
    from rich.markup import escape  # start-up time

    return escape(text)


def raise_unless_succeeded(session: Session, job: Document, *, is_told: bool = False) -> None:
    """Raises JobDidNotSucceed, with the end of its stderr on ours unless that `is_told`."""
    if job["status"] == "succeeded":
        return
    if job["status"] == "failed" and not session.json and not is_told:
        tail = session.client.jobs.logs(job["id"], "stderr").decode("utf-8", "replace")
        for line in tail.strip().splitlines()[-15:]:
            session.output.note(f"[dim]│[/] {escaped(line)}")
    raise JobDidNotSucceed(
        f"Job {job['id']!r} {_ending(job)}",
        hint=job.get("hint") or f"See `pileus why {job['id']}`.",
    )


def _ending(job: Document) -> str:
    reason = f": {job['reason']}" if job.get("reason") else ""
    return f"{'was cancelled' if job['status'] == 'cancelled' else 'failed'}{reason}"


def _with_bar(session: Session, job: Document) -> Document:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn  # start-up time
    from rich.progress import TimeElapsedColumn as Elapsed  # start-up time

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=30),
        TextColumn("[dim]{task.fields[figures]}[/]"),
        Elapsed(),
    )
    with Progress(*columns, console=session.output.console, transient=True) as progress:
        return show_progress(session, job, progress)


def show_progress(session: Session, job: Document, progress: Progress) -> Document:
    """The job once it has ended; meanwhile `progress` has a task for it."""
    task = progress.add_task("queued", total=None, figures="")
    jobs = session.client.jobs
    waits = Waits(session.client, job["id"], session.output.say)  # above the bar, on its console
    for seen in jobs.watch(job["id"], every_seconds=EVERY_SECONDS):
        job = seen
        if job["status"] in _NOT_STARTED:
            waits.tell()
        _advance(progress, task, job, {row["name"]: row for row in jobs.metrics(job["id"])})
    progress.remove_task(task)
    return job


def _advance(progress: Progress, task: TaskID, job: Document, metrics: dict[str, Any]) -> None:
    figures = [
        f"{name.replace('_', ' ')} {metrics[name]['last']:.4f}"
        for name in _SHOWN
        if name in metrics
    ]
    fraction = metrics.get(_FRACTION, {}).get("last")
    progress.update(
        task,
        description=str(job["status"]),
        total=None if fraction is None else 1.0,
        completed=fraction or 0.0,
        figures="  ".join(figures[:2]),
    )
