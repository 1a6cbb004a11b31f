"""`--dry-run` of `pileus run` and `train`: when a job would start and what it would cost."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pileus.cli import phrases
from pileus.cli.session import Session

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Submit nothing; say when it would start and its price.")
]


def show_estimate(session: Session, spec: dict[str, Any]) -> None:
    """Say what the job would meet; submit nothing."""
    found = session.client.jobs.estimate(spec)
    session.output.show(found, lambda _: _say(session, found))


def _say(session: Session, found: Any) -> None:  # noqa: ANN401  a document
    from rich.markup import escape  # start-up time

    say = session.output.say
    if found["node"] is not None:
        say(f"[bold green]Would start at once[/] on {found['node']}")
    else:
        say(f"[bold yellow]Would wait[/]  {escape(found['reason'])}")
        say(f"[dim]Start[/] {phrases.start(found.get('eta'), found.get('after'))}")
        if found["hint"]:
            say(f"[dim]{escape(found['hint'])}[/]")
    say(f"[dim]Price[/] {phrases.money(found['micro_per_hour'], found['currency'])} an hour")
    if found["most_micro"] is not None:
        most = phrases.money(found["most_micro"], found["currency"])
        say(f"[dim]At most[/] {most}[dim], if every try runs into its timeout[/]")
