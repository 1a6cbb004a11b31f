"""`pileus worker`: a worker alone."""

from typing import Annotated

import typer

from pileus.cli.session import Session


def worker(
    context: typer.Context,
    server_url: Annotated[str | None, typer.Option(help="Where the server answers.")] = None,
) -> None:
    """Run a worker alone: the process that runs jobs on this node."""
    from pileus.cli import processes  # start-up time

    session = Session.of(context)
    session.writes_log = True
    given = {"server_url": server_url}
    raise typer.Exit(processes.worker(session.home, given))
