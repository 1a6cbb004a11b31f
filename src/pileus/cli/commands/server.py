"""`pileus server`: the server alone."""

from typing import Annotated

import typer

from pileus.cli.session import Session


def server(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    supervisor_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the server alone: API and engine."""
    from pileus.cli.process_logs import start_logs  # start-up time
    from pileus.core.settings import load  # start-up time
    from pileus.jobs.settings import JobsSettings  # start-up time
    from pileus.metering.settings import MeteringSettings  # start-up time
    from pileus.security.settings import SecuritySettings  # start-up time
    from pileus.server import main  # a process; other commands never import it
    from pileus.server.deletion.settings import DeletionSettings  # the same
    from pileus.server.settings import ServerSettings, Settings  # the same

    session = Session.of(context)
    session.writes_log = True
    home = session.home
    start_logs("server", home, is_supervised=supervisor_fd is not None)
    given = {"home": home, "host": host, "port": port, "supervisor_fd": supervisor_fd}
    settings = Settings(
        server=load(ServerSettings, "server", given, home),
        jobs=load(JobsSettings, "jobs", None, home),
        metering=load(MeteringSettings, "metering", None, home),
        security=load(SecuritySettings, "security", None, home),
        deletion=load(DeletionSettings, "deletion", None, home),
    )
    raise typer.Exit(main.run(settings))
