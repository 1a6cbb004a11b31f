"""`pileus bill`: what use cost."""

from datetime import datetime
from typing import Annotated

import typer

from pileus.cli.invoices import show_invoice
from pileus.cli.session import Session


def bill(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(help="From this time: 2026-01-31 or 2026-01-31T18:00, here unless it says Z."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to, not including, this time.")] = None,
) -> None:
    """Show what the project used and what it costs."""
    session = Session.of(context)
    begin, end = _moment(since, "--since"), _moment(until, "--until")
    if begin is not None and end is not None and begin >= end:
        raise typer.BadParameter(f"{until!r} is not after {since!r}", param_hint="--until")
    invoice = session.client.bill.invoice(
        None if begin is None else begin.isoformat(), None if end is None else end.isoformat()
    )
    session.output.show(invoice, lambda console: show_invoice(console, invoice))


def _moment(text: str | None, option: str) -> datetime | None:
    """A date, or a date with a time; in the zone of this machine when it names none."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            f"{text!r} is not a date such as 2026-01-31, or one with a time, 2026-01-31T18:00",
            param_hint=option,
        ) from error
