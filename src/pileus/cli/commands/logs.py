"""`pileus logs`: what the processes of the installation on this machine say."""

import sys
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pileus.cli import moments
from pileus.cli.session import Session

if TYPE_CHECKING:
    from pileus.cli.log_files import Line, Wanted

LINES = 200

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_COLOURS = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}


class Process(StrEnum):
    """Whose log."""

    SUPERVISOR = "supervisor"
    SERVER = "server"
    GATEWAY = "gateway"
    WORKER = "worker"


class Level(StrEnum):
    """How serious a line is."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def logs(
    context: typer.Context,
    process: Annotated[
        Process | None, typer.Argument(help="Only this one; all of them when left out.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    request: Annotated[
        str | None, typer.Option(help="Only lines of the request with this id.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="Only lines about this job.")] = None,
    level: Annotated[Level, typer.Option(help="The least level to show.")] = Level.DEBUG,
    since: Annotated[
        str | None, typer.Option(help="Only lines of the last 30s, 10m, 2h or 1d, or after a time.")
    ] = None,
    lines: Annotated[
        int | None,
        typer.Option("--lines", "-n", min=0, help="How many of the last.", show_default=str(LINES)),
    ] = None,
) -> None:
    """Show the logs of the processes: who did what, when, for which request."""
    from pileus.cli import log_files  # start-up time

    session = Session.of(context)
    directory = session.home / "logs"
    processes = log_files.PROCESSES if process is None else (process.value,)
    wanted = _wanted(request, job, level, _moment(since))
    is_selected = request is not None or job is not None or since is not None
    count = lines if lines is not None or is_selected or session.json else LINES
    found = deque(log_files.history(directory, processes, wanted), maxlen=count)
    if follow:
        for line in found:
            _show(session, line)
        for line in log_files.follow(directory, processes, wanted):
            _show(session, line)
    session.output.show(list(found), lambda _: _show_all(session, found))


def _show_all(session: Session, found: Iterable["Line"]) -> None:
    is_empty = True
    for line in found:
        is_empty = False
        _show(session, line)
    if is_empty:
        where = session.home / "logs"
        session.output.say(f"[dim]No such line in {where}. Older ones may be gone.[/]")


def _show(session: Session, line: "Line") -> None:
    if session.json:
        session.output.write_json(line)
        sys.stdout.flush()
        return
    from rich.markup import escape  # start-up time

    level = str(line.get("level", ""))
    colour = _COLOURS.get(level, "default")
    about = " ".join(
        str(line[field]) for field in ("request_id", "job", "attempt") if line.get(field)
    )
    session.output.say(
        f"[dim]{_clock(line)}[/] {line['process']:<10} [{colour}]{level:<8}[/]"
        f" {escape(str(line.get('message', '')))}" + (f"  [dim]{escape(about)}[/]" if about else "")
    )
    if line.get("exception"):
        session.output.say(f"[dim]{escape(str(line['exception']))}[/]")


def _clock(line: "Line") -> str:
    """The time as the clock on the wall shows it, with the day: logs span days."""
    try:
        moment = datetime.fromisoformat(str(line["time"])).astimezone()
    except ValueError:
        return f"{'':<23}"
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def _wanted(request: str | None, job: str | None, level: Level, since: str | None) -> "Wanted":
    least = _LEVELS[level]

    def wanted(line: "Line") -> bool:
        return (
            (request is None or line.get("request_id") == request)
            and (job is None or line.get("job") == job)
            and _LEVELS.get(str(line.get("level")), 0) >= least
            and (since is None or str(line["time"]) >= since)
        )

    return wanted


def _moment(since: str | None) -> str | None:
    """The earliest time to show, as lines write it."""
    moment = moments.moment(since, "--since")
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
