"""`pileus restore`: a home from a backup."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pileus.cli.session import Session


def restore(
    context: typer.Context,
    where: Annotated[Path, typer.Argument(help="What `pileus backup` wrote.")],
    id_: Annotated[
        str | None, typer.Option("--id", help="Which backup.", show_default="the newest")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            help="Where the rows go: `sqlite` or a Postgres URL.", show_default="as in the backup"
        ),
    ] = None,
) -> None:
    """Make the home of a backup, where there is none yet."""
    import time  # start-up time

    from pileus.cli.commands.backup import described, progress  # only here
    from pileus.cli.database_choice import choose_database  # start-up time
    from pileus.cli.home import SCHEMA  # start-up time
    from pileus.storage.backup.archive import source_at  # SQLAlchemy: only here
    from pileus.storage.backup.restoring import restore as restore_home  # the same

    session = Session.of(context)
    began = time.monotonic()
    source = source_at(where)
    point = source.point(id_)
    with progress(session, "files") as report:
        restore_home(
            source,
            point,
            session.home,
            lambda made: choose_database(made, database_url),
            SCHEMA,
            report,
        )
    answer = {
        **described(point),
        "home": str(session.home),
        "seconds": round(time.monotonic() - began, 2),
    }
    session.output.show(answer, lambda _: _say(session, answer))


def _say(session: Session, answer: dict[str, Any]) -> None:
    from pileus.cli.settings import DEFAULT_HOME  # start-up time

    say = session.output.say
    is_default = session.home == DEFAULT_HOME.expanduser()
    home = "" if is_default else f" --home {answer['home']}"
    say(f"[bold green]Restored[/] {answer['home']} in {answer['seconds']:g} s")
    say(f"  holds       everything until {answer['at'][:19].replace('T', ' ')} UTC")
    say(f"  files       {answer['files']:,}, rows {answer['row_count']:,}, all digests checked")
    say(f"[dim]  Start it with `pileus up{home}`. Jobs that ran at that time run again.[/]")
