"""`pileus lineage`: where a thing came from."""

from typing import Annotated

import typer

from pileus.cli.session import Session
from pileus.cli.trees import show_lineage


def lineage(
    context: typer.Context,
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Id of a prediction, job, …; or a version: digits@2, digits:1."
        ),
    ],
) -> None:
    """Show the chain behind ID, down to the data it came from."""
    session = Session.of(context)
    found = session.client.lineage.of(identifier)
    session.output.show(found, lambda console: show_lineage(console, found))
