"""`pileus price`: what a unit costs."""

import typer

from pileus.cli import phrases
from pileus.cli.options import Command
from pileus.cli.session import Session

app = typer.Typer(help="Prices of resources.")


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the price of each resource."""
    session = Session.of(context)
    session.output.table(
        session.client.bill.prices(),
        [
            ("RESOURCE", "resource"),
            ("PRICE OF ONE", lambda row: phrases.price(row["micro"], row["exponent"])),
            ("UNIT", "unit"),
            ("ID", "id"),
        ],
        "No price is set.",
    )
