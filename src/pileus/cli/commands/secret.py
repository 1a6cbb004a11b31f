"""`pileus secret`: values that jobs are given by name, and nobody is shown."""

from pathlib import Path
from typing import Annotated

import typer

from pileus.cli import phrases
from pileus.cli.options import Command
from pileus.cli.session import Session

app = typer.Typer(help="Secrets: passwords and tokens that jobs use by name.")

Name = Annotated[str, typer.Argument(help="Name, such as HF_TOKEN.")]


@app.command("set", cls=Command)
def set_(
    context: typer.Context,
    name: Name,
    from_file: Annotated[
        Path | None, typer.Option("--from-file", help="Take the bytes of this file.")
    ] = None,
) -> None:
    """Set a secret: you are asked for the value, or it is read from stdin.

    As an argument it would be in your shell's history and in the list of processes.
    """
    from pileus.cli.secrets import value_of  # start-up time

    session = Session.of(context)
    secret = session.client.secrets.set(name, value_of(name, from_file))
    session.output.show(
        secret,
        lambda _: session.output.say(
            f"{name} is set, version {secret['version']}."
            f" A job uses it with `pileus run --secret {name}`."
        ),
    )


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the secrets of the project, without their values."""
    session = Session.of(context)
    session.output.table(
        session.client.secrets.list(),
        [
            ("NAME", "name"),
            ("VERSION", "version"),
            ("SET", lambda row: phrases.ago(row["updated_at"])),
            ("BY", lambda row: session.people.name(row["set_by"])),
        ],
        "No secret yet. Set one with `pileus secret set NAME`.",
    )


@app.command("remove", cls=Command)
def remove(context: typer.Context, name: Name) -> None:
    """Remove a secret at once; jobs that name it fail when they start."""
    session = Session.of(context)
    session.client.secrets.remove(name)
    session.output.show({"name": name}, lambda _: session.output.say(f"{name} is removed"))
