"""`pileus job`: what runs, what it says, how it ended."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from pileus.cli import options, phrases, queue_list, usages
from pileus.cli.commands import job_logs, job_top
from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.output import Row, fields
from pileus.cli.session import Session

app = typer.Typer(help="Jobs: anything that runs as processes.")
app.command("top", cls=Command)(job_top.top)

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the job.")]

_SHORT_ID = 16
"""Characters of an id that tell it from others in a table."""

_COMMAND_WIDTH = 40


@app.command("list", cls=Command)
def list_(
    context: typer.Context,
    status: Annotated[
        str | None,
        typer.Option(
            help="Only jobs that are waiting, queued, running, succeeded, failed or cancelled."
        ),
    ] = None,
    limit: options.Limit = None,
) -> None:
    """List the jobs of the project, newest first."""
    session = Session.of(context)
    where = {} if status is None else {"status": _status(status)}
    session.output.table(
        islice(session.client.jobs.list(**where), options.most(session, limit)),
        [
            ("ID", "id"),
            ("NAME", "name"),
            ("KIND", _kind),
            ("STATUS", "status"),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
            ("TOOK", lambda row: phrases.lasted(row.get("started_at"), row.get("ended_at"))),
        ],
        f"No job is {status}."
        if status
        else "No job yet. Start one with `pileus train` or `pileus run`.",
    )


@app.command("queue", cls=Command)
def queue(context: typer.Context) -> None:
    """List the jobs that wait, first to start first, and what each waits for."""
    session = Session.of(context)
    found, output = session.client.jobs.queue(), session.output
    if found["items"] and not output.as_json and queue_list.is_narrow(output.console):
        output.console.print(queue_list.listed(found["items"]), highlight=False)
    else:
        output.table(
            found["items"],
            [
                ("PLACE", "position"),
                ("ID", "job"),
                ("NAME", "name"),
                ("PRIORITY", "priority"),
                ("SINCE", lambda row: phrases.ago(row["created_at"])),
                ("WAITS", queue_list.waits),
                ("START", _start),
            ],
            "No job waits.",
        )
    if found["has_more"]:
        session.output.note("[dim]More wait behind these.[/]")


@app.command("show", cls=Command)
def show(context: typer.Context, job: Id) -> None:
    """Show a job and its attempts."""
    session = Session.of(context)
    jobs = session.client.jobs
    found = jobs.get(job)
    attempts = [dict(attempt) for attempt in jobs.attempts(job)]
    if found["status"] in {"waiting", "queued"} and not found.get("reason"):
        waits = session.client.lineage.why(job)
        found = {**found, "reason": waits.get("reason"), "hint": waits.get("hint")}
    by = session.people.name
    usage = jobs.usage(job)
    used = {one["attempt"]: usages.phrase(one, usage["currency"]) for one in usage["items"]}
    session.output.show(
        {**found, "attempt_items": attempts, "usage": usage},
        lambda console: fields(
            console, _facts(found, attempts, used, by(found.get("submitted_by")))
        ),
    )


app.command("logs", cls=Command)(job_logs.logs)


@app.command("metrics", cls=Command)
def metrics(
    context: typer.Context,
    job: Id,
    name: Annotated[str | None, typer.Argument(help="One metric: print its points.")] = None,
    named: Annotated[str | None, typer.Option("--name", help="The same, as an option.")] = None,
    points: Annotated[
        int, typer.Option(min=2, max=100_000, help="Most points: lows and highs of more are kept.")
    ] = 500,
    csv: Annotated[bool, typer.Option("--csv", help="Every point, as lines of CSV.")] = False,
) -> None:
    """List the metrics of a job, or the points of one."""
    session = Session.of(context)
    name = name or named
    if csv:
        if name is None:
            raise typer.BadParameter("it is of one metric; name it", param_hint="--csv")
        sys.stdout.buffer.write(session.client.jobs.metric_csv(job, name))
        sys.stdout.flush()
        return
    if name is None:
        session.output.table(
            session.client.jobs.metrics(job),
            [
                ("NAME", "name"),
                *((field.upper(), _figure(field)) for field in ("last", "min", "max")),
                ("STEP", "step"),
                ("COUNT", "count"),
            ],
            "The job has reported no metric.",
        )
        return
    shown = [
        {"step": step, "value": value, "time": time}
        for step, value, time in session.client.jobs.metric(job, name, points)
    ]
    session.output.table(
        shown,
        [("STEP", "step"), ("VALUE", _figure("value")), ("TIME", "time")],
        f"The job has reported no metric {name!r}.",
    )


@app.command("artifacts", cls=Command)
def artifacts(
    context: typer.Context,
    job: Id,
    download: Annotated[
        Path | None, typer.Option(help="Directory to copy the artifacts to.")
    ] = None,
) -> None:
    """List the files that a job left, or copy them here."""
    session = Session.of(context)
    found = session.client.jobs.artifacts(job)
    if download is not None:
        from pileus.cli.downloads import save_artifacts  # only this option needs it

        save_artifacts(session, job, found, download)
        session.output.note(f"[dim]Copied to[/] {download}")
    session.output.table(
        found,
        [
            ("PATH", "path"),
            ("SIZE", lambda row: phrases.size(row["size"])),
            ("SHA-256", "digest"),
        ],
        "The job has left no artifact.",
    )


@app.command("cancel", cls=Command)
def cancel(context: typer.Context, job: Id) -> None:
    """Ask a job to stop."""
    session = Session.of(context)
    found = session.client.jobs.cancel(job)
    session.output.show(found, lambda _: session.output.say(f"{job} {_answer(found['status'])}"))


@app.command("delete", cls=Command)
def delete(context: typer.Context, job: Id, now: Now = False, yes: Yes = False) -> None:
    """Delete a job that has ended, with its logs, metrics and artifacts."""
    session = Session.of(context)
    call = partial(session.client.jobs.delete, job)
    delete_for(session, f"job {job}", call, now=now, yes=yes)


def _start(row: Row) -> str:
    return "now" if row["node"] else phrases.start(row.get("eta"), row.get("after"))


def _status(name: str) -> str:
    from pileus.core.schemas.jobs import JobStatus  # start-up time

    known = [status.value for status in JobStatus]
    if name not in known:
        raise typer.BadParameter(
            f"{name!r} is not one of {', '.join(known)}", param_hint="--status"
        )
    return name


def _answer(status: str) -> str:
    """What becomes of a job in `status` that somebody asked to cancel."""
    if status in {"waiting", "queued", "running"}:
        return "is asked to stop"
    return "is cancelled" if status == "cancelled" else f"has {status} already"


def _kind(job: Any) -> str:  # noqa: ANN401  a document
    spec = job.get("spec", {})
    if job["kind"] == "train":
        return f"train {spec.get('recipe') or ''} on {_short(spec.get('dataset') or '')}"
    if job["kind"] == "transform":
        return f"transform {_short(spec.get('dataset') or '')}"
    words = " ".join([job["kind"], *(spec.get("command") or ())])
    return words if len(words) <= _COMMAND_WIDTH else f"{words[:_COMMAND_WIDTH]}…"


def _short(dataset: str) -> str:
    """`dsv_8e690f38df94…`: a dataset as it was named, without most of a digest."""
    name, separator, version = dataset.rpartition("dsv_")
    if not separator or len(version) <= _SHORT_ID:
        return dataset
    return f"{name}dsv_{version[: _SHORT_ID - 4]}…"


def _figure(field: str) -> Callable[[Row], object]:
    """What fills a column of figures: six digits tell all that a person compares."""

    def shown(row: Row) -> object:
        return phrases.figure(row[field])

    return shown


def _facts(
    job: Any,  # noqa: ANN401  a document
    attempts: list[dict[str, Any]],
    used: Mapping[str, str],
    submitted_by: str,
) -> list[tuple[str, object]]:
    resources = job.get("spec", {}).get("resources", {})
    return [
        ("job", job["id"]),
        ("name", job.get("name")),
        ("kind", _kind(job)),
        ("status", job["status"]),
        ("reason", job.get("reason")),
        ("hint", job.get("hint")),
        ("needs", ", ".join(job.get("spec", {}).get("needs") or ()) or None),
        ("secrets", ", ".join(one["name"] for one in job.get("spec", {}).get("secrets") or ())),
        ("reuses", job.get("reused")),
        ("submitted by", submitted_by),
        ("created", phrases.ago(job["created_at"])),
        ("took", phrases.lasted(job.get("started_at"), job.get("ended_at"))),
        ("dataset", job.get("dataset_version")),
        ("resources", ", ".join(f"{k}={v}" for k, v in resources.items() if v)),
        ("gang", job["spec"]["gang"] if _is_gang(job) else None),
        *(pair for one in attempts for pair in _tried(one, used, is_gang=_is_gang(job))),
        *((name, phrases.figure(value)) for name, value in job.get("summary", {}).items()),
    ]


def _is_gang(job: Any) -> bool:  # noqa: ANN401  a document
    return bool(job.get("spec", {}).get("gang", 1) > 1)


def _tried(
    attempt: dict[str, Any], used: Mapping[str, str], *, is_gang: bool
) -> list[tuple[str, object]]:
    rank = f", rank {attempt['rank']}" if is_gang else ""
    name = f"attempt {attempt['number']}{rank}"
    return [(name, _attempt(attempt)), ("  used", used.get(attempt["id"]))]


def _attempt(attempt: dict[str, Any]) -> str:
    took = phrases.lasted(attempt.get("started_at"), attempt.get("ended_at"))
    parts = [attempt["id"], attempt["status"], took, attempt.get("reason") or ""]
    return ", ".join(part for part in parts if part)
