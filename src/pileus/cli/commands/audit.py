"""`pileus audit`: who changed what."""

from itertools import islice

import typer

from pileus.cli import options, phrases
from pileus.cli.options import Command
from pileus.cli.session import Session

app = typer.Typer(help="The audit: what principals changed.")


@app.command("list", cls=Command)
def list_(context: typer.Context, limit: options.Limit = None) -> None:
    """List audit events, newest first."""
    session = Session.of(context)
    by = session.people.name
    session.output.table(
        islice(session.client.lineage.audit(), options.most(session, limit)),
        [
            ("SEQ", "seq"),
            ("WHEN", lambda row: phrases.ago(row["created_at"])),
            ("PRINCIPAL", lambda row: by(row["principal"])),
            ("ACTION", "action"),
            ("SUBJECT", lambda row: by(row["subject"])),
            ("HASH", lambda row: row["hash"][:12]),
        ],
        "No audit event.",
    )
