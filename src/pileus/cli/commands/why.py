"""`pileus why`: the reason behind a state."""

from typing import Annotated

import typer

from pileus.cli.session import Session
from pileus.cli.trees import show_reason


def why(
    context: typer.Context,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Id of a job, prediction, …")],
) -> None:
    """Show why ID waits, failed or answers as it does, and the next step."""
    session = Session.of(context)
    found = session.client.lineage.why(identifier)
    session.output.show(found, lambda console: show_reason(console, found))
