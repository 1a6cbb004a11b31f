"""`pileus server`: the server alone."""

from typing import Annotated

import typer

from pileus.cli.session import Session


def server(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Run the server alone: API and engine."""
    from pileus.cli import processes  # start-up time

    session = Session.of(context)
    session.writes_log = True
    given = {"host": host, "port": port}
    raise typer.Exit(processes.server(session.home, given))
