"""`pileus schedule`: pipelines that run again at the times of a cron expression."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

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
Rule = Literal["skip", "latest", "all"]

_CRON = typer.Option(
    "--cron", help="Minute, hour, day of month, month, day of week: '30 2 * * 1-5'; or @daily."
)
_ZONE = typer.Option("--time-zone", help="Such as Europe/Berlin.")
_CATCH_UP = typer.Option(
    "--catch-up",
    help="Which of the times that passed while nothing could run are made up for.",
)
_OVERLAPS = typer.Option(
    "--overlaps/--no-overlaps",
    help="Run although the pipeline of the time before has not ended.",
)


@app.command("create", cls=Command)
def create(
    context: typer.Context,
    name: Name,
    file: File,
    cron: Annotated[str, _CRON],
    time_zone: Annotated[str, _ZONE] = "UTC",
    catch_up: Annotated[Rule, _CATCH_UP] = "latest",
    overlaps: Annotated[bool, _OVERLAPS] = False,
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
            preview,
            lambda console: fields(
                console,
                [
                    *_times(preview["times"], time_zone),
                    ("jobs", ", ".join(preview["jobs"])),
                ],
            ),
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
            ("NEXT", lambda row: _when(row["due_at"], row["time_zone"]) or "paused"),
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
    catch_up: Annotated[Rule | None, _CATCH_UP] = None,
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
    zone = schedule["time_zone"]
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
                ("owner", session.people.name(schedule["owner"])),
                *(_times(found["times"], zone) or [("next", "paused")]),
                *(("ran", _ran(run, zone)) for run in found["pipelines"]),
                ("refused", trouble and _said(trouble, zone)),
            ],
        ),
    )


def _times(times: Sequence[str], zone: str) -> list[tuple[str, str]]:
    return [("then" if place else "next", _when(time, zone)) for place, time in enumerate(times)]


def _when(time: str | None, zone: str) -> str:
    """An ISO 8601 time in the schedule's zone."""
    from datetime import datetime  # start-up time
    from zoneinfo import ZoneInfo  # start-up time

    if time is None:
        return ""
    return datetime.fromisoformat(time).astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M %z")


def _ran(pipeline: Row, zone: str) -> str:
    said = f"{pipeline['id']}  {status_of(pipeline)}  {progress(pipeline)}"
    return f"{_when(pipeline['scheduled_at'], zone)}  {said}"


def _said(trouble: Mapping[str, Any], zone: str) -> str:
    hint = f" {trouble['hint']}" if trouble["hint"] else ""
    return f"{_when(trouble['at'], zone)}  {trouble['message']}.{hint}"
