"""`pileus gateway`: a gateway alone."""

from typing import Annotated

import typer

from pileus.cli.session import Session


def gateway(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    grpc_port: Annotated[
        int | None,
        typer.Option(help="Port of gRPC.", show_default="the one after the port"),
    ] = None,
    server_url: Annotated[str | None, typer.Option(help="Where the server answers.")] = None,
) -> None:
    """Run a gateway alone: the process that answers predictions."""
    from pileus.cli import processes  # start-up time

    session = Session.of(context)
    session.writes_log = True
    given = {"host": host, "port": port, "grpc_port": grpc_port, "server_url": server_url}
    raise typer.Exit(processes.gateway(session.home, given))
