"""`pileus pipeline`: files of jobs that need one another."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from pileus.cli import options, phrases
from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.output import Row
from pileus.cli.pairs import pair
from pileus.cli.session import Session

app = typer.Typer(help="Pipelines: files of jobs that need one another.")

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the pipeline.")]
Detach = Annotated[
    bool, typer.Option("--detach", "-d", help="Return at once; do not wait for the end.")
]

PARAM = typer.Option("--param", help="Parameter of the file: NAME=VALUE.")

_MARKS = {
    "waiting": "[dim]·[/]",
    "queued": "[dim]○[/]",
    "running": "[cyan]▶[/]",
    "succeeded": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "cancelled": "[yellow]⊘[/]",
}


@app.command("run", cls=Command)
def run(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Pipeline as TOML.")],
    param: Annotated[list[str] | None, PARAM] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all of it and submit nothing.")
    ] = False,
    detach: Detach = False,
) -> None:
    """Submit all jobs of FILE, or none, and wait for their end."""
    from pileus.sdk.pipeline_files import read_pipeline  # start-up time

    session = Session.of(context)
    read = read_pipeline(file, dict(pair(text, "--param") for text in param or ()))
    spec = read.model_dump(mode="json", exclude_unset=True)
    if dry_run:
        order = list(session.client.pipelines.check(spec))
        session.output.table(
            [{"name": name, "needs": read.jobs[name].all_needs} for name in order],
            [("JOB", "name"), ("NEEDS", lambda row: ", ".join(row["needs"]))],
            "No job.",
        )
        return
    follow(session, session.client.pipelines.submit(spec), detach=detach)


@app.command("list", cls=Command)
def list_(context: typer.Context, limit: options.Limit = None) -> None:
    """List the pipelines of the project, newest first."""
    session = Session.of(context)
    session.output.table(
        islice(session.client.pipelines.list(), options.most(session, limit)),
        [
            ("ID", "id"),
            ("NAME", "name"),
            ("STATUS", status_of),
            ("JOBS", progress),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        "No pipeline yet. Start one with `pileus pipeline run FILE`.",
    )


@app.command("show", cls=Command)
def show(context: typer.Context, pipeline: Id) -> None:
    """Show a pipeline as the graph of its jobs, each below one that it needs."""
    session = Session.of(context)
    _show(session, session.client.pipelines.get(pipeline))


@app.command("cancel", cls=Command)
def cancel(context: typer.Context, pipeline: Id) -> None:
    """Ask all jobs of a pipeline that have not ended to stop."""
    session = Session.of(context)
    _show(session, session.client.pipelines.cancel(pipeline))


@app.command("retry", cls=Command)
def retry(context: typer.Context, pipeline: Id, detach: Detach = False) -> None:
    """Run anew what failed or was cancelled; what succeeded is kept."""
    session = Session.of(context)
    follow(session, session.client.pipelines.retry(pipeline), detach=detach)


@app.command("delete", cls=Command)
def delete(context: typer.Context, pipeline: Id, now: Now = False, yes: Yes = False) -> None:
    """Delete a pipeline that has ended; its jobs stay."""
    session = Session.of(context)
    call = partial(session.client.pipelines.delete, pipeline)
    delete_for(session, f"pipeline {pipeline}", call, now=now, yes=yes)


def follow(session: Session, pipeline: Mapping[str, Any], *, detach: bool) -> None:
    """Wait for the end of a pipeline and show it. Raises PipelineDidNotSucceed."""
    from pileus.cli.following import PipelineDidNotSucceed  # start-up time

    if detach:
        session.output.show(pipeline, lambda _: session.output.say(pipeline["id"]))
        return
    session.output.note(f"[dim]Pipeline {pipeline['id']}[/]")
    try:
        ended = session.client.pipelines.wait(pipeline["id"])
    except KeyboardInterrupt:
        session.output.note(
            f"The pipeline goes on. See `pileus pipeline show {pipeline['id']}`,"
            f" stop it with `pileus pipeline cancel {pipeline['id']}`."
        )
        raise
    if ended["status"] != "succeeded":
        if not session.json:
            _show(session, ended)
        raise PipelineDidNotSucceed(
            f"Pipeline {ended['id']!r} {status_of(ended)}",
            hint=f"When it is mended: `pileus pipeline retry {ended['id']}`.",
        )
    _show(session, ended)


def _show(session: Session, pipeline: Mapping[str, Any]) -> None:
    def render(_: object) -> None:
        session.output.say(f"{pipeline['id']}  {pipeline['name']}  [bold]{status_of(pipeline)}[/]")
        for line in drawn(pipeline["steps"]):
            session.output.say(line)

    session.output.show(pipeline, render)


def drawn(steps: Sequence[Row]) -> list[str]:
    """Jobs as lines, each as deep as the longest way to it from one that needs nothing."""
    from rich.markup import escape  # start-up time

    depths: dict[str, int] = {}
    lines = []
    for step in steps:
        needs = step["needs"]
        depths[step["name"]] = depth = max((depths[need] + 1 for need in needs), default=0)
        mark = _MARKS.get(step["status"], "?")
        words = [step["status"] or "deleted", step["job"] or ""]
        if needs:
            words.append(f"after {', '.join(needs)}")
        if step["reused"]:
            words.append(f"result of {step['reused']}")
        elif step["reason"]:
            words.append(step["reason"])
        said = escape("  ".join(filter(None, words)))
        lines.append(f"{'   ' * depth}{mark} {escape(step['name'])}  [dim]{said}[/]")
    return lines


def status_of(pipeline: Row) -> str:
    """How it stands as a whole."""
    return str(pipeline["status"] or "deleted")


def progress(pipeline: Row) -> str:
    """How many of its jobs have succeeded."""
    done = sum(step["status"] == "succeeded" for step in pipeline["steps"])
    return f"{done} of {len(pipeline['steps'])}"
