"""`pileus price`: what a unit costs."""

from typing import Annotated

import typer

from pileus.cli import phrases
from pileus.cli.options import Command
from pileus.cli.output import Row
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
            ("MICRO", lambda row: f"{row['micro']:,}"),
            ("EXPONENT", "exponent"),
            ("ID", "id"),
        ],
        "No price is set.",
    )


@app.command("set", cls=Command)
def set_(
    context: typer.Context,
    resource: Annotated[str, typer.Argument(help="Resource, as `pileus price list` names it.")],
    micro: Annotated[int, typer.Argument(min=0, help="Millionths of the currency …")],
    exponent: Annotated[int, typer.Argument(min=0, help="… for 10^EXPONENT units.")],
) -> None:
    """Change a price from now on: `prediction 100000 6` is 0.10 for a million predictions."""
    session = Session.of(context)
    price = session.client.bill.set_price(resource, micro, exponent)
    session.output.show(price, lambda _: session.output.say(_said(price)))


def _said(price: Row) -> str:
    one = phrases.price(price["micro"], price["exponent"])
    return f"{price['resource']}: one {price['unit']} costs {one} from now on"
