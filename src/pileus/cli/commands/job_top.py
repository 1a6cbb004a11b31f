"""`pileus job top`: what runs, what it uses of what it asked for, and what it costs."""

import time
from typing import Annotated, Any

import typer

from pileus.cli import usages
from pileus.cli.session import Session

EVERY_SECONDS = 2.0


def top(
    context: typer.Context,
    sort: Annotated[
        str, typer.Option(help="Most first: cpu, memory or cost; or age, oldest first.")
    ] = "cpu",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Draw it again until Ctrl-C, on a terminal.")
    ] = False,
) -> None:
    """Show what running jobs use of what they asked for, and what each node has left."""
    session = Session.of(context)
    if sort not in usages.SORTS:
        known = ", ".join(usages.SORTS)
        raise typer.BadParameter(f"{sort!r} is not one of {known}", param_hint="--sort")
    if watch and not session.output.is_live:
        raise typer.BadParameter("only on a terminal, and not with --json", param_hint="--watch")
    if watch:
        _watch(session, sort)
        return
    found = _look(session, sort)
    session.output.show(found, lambda console: console.print(_drawn(session, found)))


def _watch(session: Session, sort: str) -> None:
    from rich.live import Live  # start-up time

    with Live(
        _drawn(session, _look(session, sort)),
        console=session.output.console,
        auto_refresh=False,
        vertical_overflow="ellipsis",
    ) as live:
        try:
            while True:
                time.sleep(EVERY_SECONDS)
                live.update(_drawn(session, _look(session, sort)), refresh=True)
        except KeyboardInterrupt:
            return  # what was drawn last stays


def _look(session: Session, sort: str) -> dict[str, Any]:
    found = dict(session.client.jobs.top())
    return {**found, "items": usages.in_order(found["items"], sort)}


def _drawn(session: Session, found: dict[str, Any]) -> Any:  # noqa: ANN401  Rich's, imported late
    from rich.console import Group  # start-up time

    from pileus.cli.usage_table import tables  # start-up time

    return Group(*tables(found, session.output.console))
