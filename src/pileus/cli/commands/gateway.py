"""`pileus gateway`: a gateway alone."""

from typing import Annotated

import typer

from pileus.cli.session import Session


def gateway(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    server_url: Annotated[str | None, typer.Option(help="Where the server answers.")] = None,
    supervisor_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run a gateway alone: the process that answers predictions."""
    from pileus.cli.process_logs import start_logs  # start-up time
    from pileus.core import settings  # start-up time
    from pileus.gateway import main  # a process; other commands never import it
    from pileus.gateway.settings import GatewaySettings  # the same

    session = Session.of(context)
    session.writes_log = True
    home = session.home
    start_logs("gateway", home, is_supervised=supervisor_fd is not None)
    given = {
        "home": home,
        "host": host,
        "port": port,
        "server_url": server_url,
        "supervisor_fd": supervisor_fd,
    }
    raise typer.Exit(main.run(settings.load(GatewaySettings, "gateway", given, home)))
