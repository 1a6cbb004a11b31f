"""`pileus worker`: a worker alone."""

from typing import Annotated

import typer

from pileus.cli.session import Session


def worker(
    context: typer.Context,
    server_url: Annotated[str | None, typer.Option(help="Where the server answers.")] = None,
    supervisor_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run a worker alone: the process that runs jobs on this node."""
    from pileus.cli.process_logs import start_logs  # start-up time
    from pileus.core import settings  # start-up time
    from pileus.worker import main  # a process; other commands never import it
    from pileus.worker.settings import WorkerSettings  # the same

    session = Session.of(context)
    session.writes_log = True
    home = session.home
    start_logs("worker", home, is_supervised=supervisor_fd is not None)
    given = {"home": home, "server_url": server_url, "supervisor_fd": supervisor_fd}
    raise typer.Exit(main.run(settings.load(WorkerSettings, "worker", given, home)))
