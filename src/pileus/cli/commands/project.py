"""`pileus project`: the tenants of the installation."""

from functools import partial
from typing import Annotated

import typer

from pileus.cli import phrases
from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.session import Session

app = typer.Typer(help="Projects: each has its own data, people and bill.")


@app.command("create", cls=Command)
def create(
    context: typer.Context, name: Annotated[str, typer.Argument(help="Name of the project.")]
) -> None:
    """Make a project; its admin's token is shown once."""
    session = Session.of(context)
    made = session.client.projects.create(name)
    if (
        session.settings.url is None and made["token"]
    ):  # the home of this machine keeps it, as for the first project
        from pileus.cli.home import Home  # only here

        Home(session.home).keep_token(name, made["token"])
    session.output.show(made, lambda _: _say(session, name, made["token"]))


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the projects that the token may see."""
    session = Session.of(context)
    session.output.table(
        session.client.projects.list(),
        [
            ("NAME", "name"),
            ("ID", "id"),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        "No project.",
    )


@app.command("delete", cls=Command)
def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the project.")],
    now: Now = False,
    yes: Yes = False,
) -> None:
    """Delete a project with all that is in it; its bill and audit stay."""
    session = Session.of(context)
    call = partial(session.client.projects.delete, name)
    delete_for(session, f"project {name}", call, now=now, yes=yes)


def _say(session: Session, name: str, token: str | None) -> None:
    session.output.say(f"Project {name} is made. Work in it with `--project {name}`.")
    if token:
        session.output.say(f"  token  {token}")
        session.output.say("[dim]  The token of its admin, shown this once.[/]")
