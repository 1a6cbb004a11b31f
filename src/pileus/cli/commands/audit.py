"""`pileus audit`: who changed what."""

import typer

from pileus.cli import phrases
from pileus.cli.options import Command
from pileus.cli.session import Session

app = typer.Typer(help="The audit: what principals changed.")


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List audit events."""
    session = Session.of(context)
    session.output.table(
        session.client.lineage.audit(),
        [
            ("SEQ", "seq"),
            ("WHEN", lambda row: phrases.ago(row["created_at"])),
            ("PRINCIPAL", "principal"),
            ("ACTION", "action"),
            ("SUBJECT", "subject"),
            ("HASH", lambda row: row["hash"][:12]),
        ],
        "No audit event.",
    )
