"""`pileus records`: the records of predictions."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import typer

from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.session import Session

app = typer.Typer(help="Records of predictions: what was asked, and how it went.")


@app.command("delete", cls=Command)
def delete(
    context: typer.Context,
    older_than_days: Annotated[
        float, typer.Option(min=0, help="Delete the records that arrived longer ago than this.")
    ],
    now: Now = False,
    yes: Yes = False,
) -> None:
    """Delete old records of predictions; meters and bill stay."""
    session = Session.of(context)
    before = datetime.now(UTC) - timedelta(days=older_than_days)
    call = partial(session.client.deleted.records, before)
    what = f"the records older than {older_than_days:g} days"
    delete_for(session, what, call, now=now, yes=yes)
