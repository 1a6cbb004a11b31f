"""`pileus bill`: what use cost."""

from typing import Annotated

import typer

from pileus.cli.invoices import show_invoice
from pileus.cli.session import Session


def bill(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(help="From this time, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this time, ISO 8601.")] = None,
) -> None:
    """Show what the project used and what it costs."""
    session = Session.of(context)
    invoice = session.client.bill.invoice(since, until)
    session.output.show(invoice, lambda console: show_invoice(console, invoice))
