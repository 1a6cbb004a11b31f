"""`pileus member`: who belongs to the project, and what they may do."""

from functools import partial
from typing import Annotated, Literal

import typer

from pileus.cli import phrases
from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.session import Session

app = typer.Typer(help="Members of the project and their roles.")

Role = Literal["viewer", "developer", "admin"]

Name = Annotated[str, typer.Argument(help="Name of the member.")]


@app.command("add", cls=Command)
def add(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")] = "developer",
    kind: Annotated[str, typer.Option(help="user or service.")] = "user",
) -> None:
    """Add a member; make them a token with `pileus token create`."""
    session = Session.of(context)
    member = session.client.members.add(name, role, kind)
    session.output.show(
        member,
        lambda _: session.output.say(
            f"{name} has the role {role}."
            f" Make a token with `pileus token create NAME --principal {name}`."
        ),
    )


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the members of the project."""
    session = Session.of(context)
    session.output.table(
        session.client.members.list(),
        [
            ("NAME", "name"),
            ("KIND", "kind"),
            ("ROLE", "role"),
            ("STATE", lambda row: "disabled" if row.get("disabled") else "active"),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        "No member.",
    )


@app.command("set-role", cls=Command)
def set_role(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Argument(help="What they may do from now on.")],
) -> None:
    """Change what a member may do."""
    session = Session.of(context)
    member = session.client.members.change(name, role=role)
    session.output.show(member, lambda _: session.output.say(f"{name} has the role {role} now"))


@app.command("disable", cls=Command)
def disable(context: typer.Context, name: Name) -> None:
    """Refuse every token of a member, until they are enabled again."""
    _able(context, name, disabled=True)


@app.command("enable", cls=Command)
def enable(context: typer.Context, name: Name) -> None:
    """Let a disabled member in again, with the tokens they had."""
    _able(context, name, disabled=False)


@app.command("delete", cls=Command)
def delete(context: typer.Context, name: Name, now: Now = False, yes: Yes = False) -> None:
    """Delete a member with all tokens; `disable` only keeps them out."""
    session = Session.of(context)
    call = partial(session.client.members.delete, name)
    delete_for(session, f"member {name}", call, now=now, yes=yes)


def _able(context: typer.Context, name: str, *, disabled: bool) -> None:
    session = Session.of(context)
    member = session.client.members.change(name, disabled=disabled)
    state = "disabled; their tokens are refused" if disabled else "enabled"
    session.output.show(member, lambda _: session.output.say(f"{name} is {state}"))
