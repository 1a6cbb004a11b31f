"""Follows a training job to its end, with a bar that moves by its metrics when a person watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pileus.core.errors import Conflict

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pileus.cli.session import Session
    from pileus.sdk.api import Document

EVERY_SECONDS = 0.25
_FRACTION = "progress"
"""Metric of a training: how much of it is done, 0 to 1."""

_SHOWN = ("validation_accuracy", "accuracy", "validation_loss", "train_loss", "loss")


class JobDidNotSucceed(Conflict, code="job_did_not_succeed"):
    """A job that was waited for failed or was cancelled."""


def follow_training(session: Session, job: Document) -> Document:
    """The job once it has ended; Ctrl-C leaves it running and says so."""
    try:
        return watch_training(session, job)
    except KeyboardInterrupt:
        session.output.note(
            f"The job goes on. Follow it with `pileus job logs -f {job['id']}`,"
            f" stop it with `pileus job cancel {job['id']}`."
        )
        raise


def watch_training(session: Session, job: Document) -> Document:
    """The job once it has ended."""
    if not session.output.is_live:
        return session.client.jobs.wait(job["id"], every_seconds=EVERY_SECONDS)
    return _with_bar(session, job)


def raise_unless_succeeded(session: Session, job: Document) -> None:
    """Raises JobDidNotSucceed, with the end of its stderr on ours."""
    if job["status"] == "succeeded":
        return
    if job["status"] == "failed" and not session.json:
        tail = session.client.jobs.logs(job["id"], "stderr").decode("utf-8", "replace")
        lines = tail.strip().splitlines()[-15:]
        from rich.markup import escape  # only when failing

        session.output.note("\n".join(f"[dim]│[/] {escape(line)}" for line in lines))
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
    for seen in jobs.watch(job["id"], every_seconds=EVERY_SECONDS):
        job = seen
        metrics = {row["name"]: row for row in jobs.metrics(job["id"])}
        _advance(progress, task, job, metrics)
    progress.remove_task(task)
    return job


def _advance(progress: Progress, task: TaskID, job: Document, metrics: dict[str, Any]) -> None:
    figures = [
        f"{name.replace('_', ' ')} {metrics[name]['last']:.4f}"
        for name in _SHOWN
        if name in metrics
    ]
    reason = job.get("reason") if job["status"] == "queued" else None
    fraction = metrics.get(_FRACTION, {}).get("last")
    progress.update(
        task,
        description=str(job["status"]),
        total=None if fraction is None else 1.0,
        completed=fraction or 0.0,
        figures=reason or "  ".join(figures[:2]),
    )
