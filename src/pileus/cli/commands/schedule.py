"""`pileus schedule`: pipelines that run again at the times of a cron expression."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from pileus.cli import phrases
from pileus.cli.commands.pipeline import PARAM, Detach, follow, progress, status_of
from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.output import Row, fields
from pileus.cli.pairs import pair
from pileus.cli.session import Session

app = typer.Typer(help="Schedules: pipelines at the times of a cron expression.")

Name = Annotated[str, typer.Argument(help="Name of the schedule.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="Pipeline as TOML.")]
Param = Annotated[list[str] | None, PARAM]

_CRON = typer.Option(
    "--cron", help="Minute, hour, day of month, month, day of week: '30 2 * * 1-5'; or @daily."
)
_ZONE = typer.Option("--time-zone", help="Such as Europe/Berlin.", show_default="UTC")
_CATCH_UP = typer.Option(
    "--catch-up",
    help="Which of the times that passed while nothing could run are made up for:"
    " skip, latest or all.",
    show_default="latest",
)
_OVERLAPS = typer.Option(
    "--overlaps/--no-overlaps",
    help="Run although the pipeline of the time before has not ended.",
    show_default="--no-overlaps",
)


@app.command("create", cls=Command)
def create(
    context: typer.Context,
    name: Name,
    file: File,
    cron: Annotated[str, _CRON],
    time_zone: Annotated[str | None, _ZONE] = None,
    catch_up: Annotated[str | None, _CATCH_UP] = None,
    overlaps: Annotated[bool | None, _OVERLAPS] = None,
    param: Param = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check all of it, say when it would run, keep nothing."),
    ] = False,
) -> None:
    """Run the pipeline of FILE at its times from now on."""
    session = Session.of(context)
    terms = _given(cron=cron, time_zone=time_zone, catch_up=catch_up, overlaps=overlaps)
    terms["pipeline"] = _read(file, param)
    if dry_run:
        preview = session.client.schedules.check(terms)
        session.output.show(
            preview, lambda console: fields(console, [*_times(preview["times"]), _jobs(preview)])
        )
        return
    session.client.schedules.create(name, terms)
    _show(session, name)


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the schedules of the project."""
    session = Session.of(context)
    session.output.table(
        session.client.schedules.list(),
        [
            ("NAME", "name"),
            ("CRON", "cron"),
            ("TIME ZONE", "time_zone"),
            ("NEXT", lambda row: phrases.moment(row["due_at"]) or "paused"),
            ("LAST", lambda row: "refused" if row["trouble"] else row["last_pipeline"]),
        ],
        "No schedule yet. Make one with `pileus schedule create NAME FILE --cron '0 3 * * *'`.",
    )


@app.command("show", cls=Command)
def show(context: typer.Context, name: Name) -> None:
    """Show a schedule, its next times and its newest pipelines."""
    _show(Session.of(context), name)


@app.command("update", cls=Command)
def update(
    context: typer.Context,
    name: Name,
    file: Annotated[Path | None, typer.Option("--file", help="Another pipeline.")] = None,
    cron: Annotated[str | None, _CRON] = None,
    time_zone: Annotated[str | None, _ZONE] = None,
    catch_up: Annotated[str | None, _CATCH_UP] = None,
    overlaps: Annotated[bool | None, _OVERLAPS] = None,
    param: Param = None,
) -> None:
    """Change what is given; it runs with your rights from now on."""
    session = Session.of(context)
    changes = _given(cron=cron, time_zone=time_zone, catch_up=catch_up, overlaps=overlaps)
    if file is not None:
        changes["pipeline"] = _read(file, param)
    elif param:
        raise typer.BadParameter("is for the pipeline of --file", param_hint="--param")
    if not changes:
        raise typer.BadParameter("name what to change, such as --cron", param_hint="update")
    session.client.schedules.update(name, **changes)
    _show(session, name)


@app.command("pause", cls=Command)
def pause(context: typer.Context, name: Name) -> None:
    """Let no time be due until it is resumed; what runs goes on."""
    session = Session.of(context)
    session.client.schedules.pause(name)
    _show(session, name)


@app.command("resume", cls=Command)
def resume(context: typer.Context, name: Name) -> None:
    """Run at its next times, with your rights."""
    session = Session.of(context)
    session.client.schedules.resume(name)
    _show(session, name)


@app.command("run", cls=Command)
def run(context: typer.Context, name: Name, detach: Detach = False) -> None:
    """Submit its pipeline now, beside its times, and wait for the end."""
    session = Session.of(context)
    follow(session, session.client.schedules.run(name), detach=detach)


@app.command("delete", cls=Command)
def delete(context: typer.Context, name: Name, now: Now = False, yes: Yes = False) -> None:
    """Delete a schedule; its pipelines stay."""
    session = Session.of(context)
    call = partial(session.client.schedules.delete, name)
    delete_for(session, f"schedule {name}", call, now=now, yes=yes)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _read(file: Path, params: Sequence[str] | None) -> dict[str, Any]:
    from pileus.sdk.pipeline_files import read_pipeline  # start-up time

    given = dict(pair(text, "--param") for text in params or ())
    read = read_pipeline(file, given, is_scheduled=True)
    return read.model_dump(mode="json", exclude_unset=True)


def _show(session: Session, name: str) -> None:
    found = session.client.schedules.get(name)
    schedule, trouble = found["schedule"], found["schedule"]["trouble"]
    session.output.show(
        found,
        lambda console: fields(
            console,
            [
                ("schedule", schedule["name"]),
                ("id", schedule["id"]),
                ("cron", f"{schedule['cron']}  {schedule['time_zone']}"),
                ("catch up", schedule["catch_up"]),
                ("overlaps", "yes" if schedule["overlaps"] else "no"),
                ("runs for", session.people.name(schedule["owner"])),
                *(_times(found["times"]) or [("next", "paused")]),
                *((phrases.moment(run["scheduled_at"]), _ran(run)) for run in found["pipelines"]),
                ("refused", trouble and _said(trouble)),
            ],
        ),
    )


def _times(times: Sequence[str]) -> list[tuple[str, str]]:
    return [("then" if place else "next", _local(time)) for place, time in enumerate(times)]


def _local(time: str) -> str:
    """A time in the zone that it came in."""
    from datetime import datetime  # start-up time

    return datetime.fromisoformat(time).strftime("%a %Y-%m-%d %H:%M %z")


def _jobs(preview: Row) -> tuple[str, str]:
    return "jobs", ", ".join(preview["jobs"])


def _ran(pipeline: Row) -> str:
    return f"{pipeline['id']}  {status_of(pipeline)}  {progress(pipeline)}"


def _said(trouble: Mapping[str, Any]) -> str:
    hint = f" {trouble['hint']}" if trouble["hint"] else ""
    return f"{phrases.moment(trouble['at'])}: {trouble['message']}.{hint}"
