"""An invoice as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pileus.cli import phrases

if TYPE_CHECKING:
    from rich.console import Console


def show_invoice(console: Console, invoice: Mapping[str, Any]) -> None:
    """Lines and total, aligned at the decimal point."""
    if not invoice["lines"]:
        console.print("[dim]Nothing was used, so nothing is due.[/]")
        return
    from rich.box import SIMPLE_HEAD  # start-up time
    from rich.table import Table  # start-up time

    box = SIMPLE_HEAD if console.is_terminal else None
    gap = 1 if box else 2
    table = Table(
        box=box, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold dim", show_footer=True
    )
    currency = invoice["currency"]
    total = phrases.money(invoice["total_micro"], currency)
    table.add_column("RESOURCE", footer="total")
    table.add_column("QUANTITY", justify="right")
    table.add_column("UNIT")
    table.add_column("AMOUNT", justify="right", footer=total)
    for line in invoice["lines"]:
        amount = phrases.money(line["amount_micro"], currency)
        table.add_row(line["resource"], f"{line['quantity']:,}", line["unit"], amount)
    console.print(table)
