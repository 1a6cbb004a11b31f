"""`pileus doctor`: what is wrong with the installation on this machine, and the next step."""

from typing import TYPE_CHECKING

import typer

from pileus.cli.session import Session

if TYPE_CHECKING:
    from pileus.cli.doctor.finding import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


def doctor(context: typer.Context) -> None:
    """Check the installation on this machine, up or down; changes nothing.

    The exit code is 0 unless something failed.
    """
    from dataclasses import asdict  # start-up time

    from pileus.cli.doctor.checks import examine  # start-up time
    from pileus.cli.doctor.finding import State  # start-up time
    from pileus.cli.doctor.scene import Scene  # start-up time
    from pileus.cli.home import Home  # start-up time
    from pileus.core.errors import Unavailable  # start-up time
    from pileus.core.status import EXIT  # start-up time

    session = Session.of(context)
    home = Home(session.home)
    token = session.settings.token
    tokens = home.read("tokens.json")
    own = tokens.get(session.project) or next(iter(tokens.values()), None)
    scene = Scene(home, token.get_secret_value() if token else own, session.project)
    found = []
    for finding in examine(scene):
        found.append(finding)
        _say(session, finding)
    session.output.show([asdict(finding) for finding in found], lambda _: None)
    failed = sum(finding.state is State.FAIL for finding in found)
    warned = sum(finding.state is State.WARN for finding in found)
    session.output.say(f"{len(found)} findings: {failed} failed, {warned} to look at")
    if failed:
        raise typer.Exit(EXIT[Unavailable])


def _say(session: Session, finding: "Finding") -> None:
    from rich.markup import escape  # start-up time

    colour = _COLOURS[finding.state]
    session.output.say(
        f"[{colour}]{finding.state:<5}[/]{finding.check:<17} {escape(finding.found)}"
    )
    if finding.hint:
        session.output.say(f"     {'':<17} [dim]{escape(finding.hint)}[/]")
