"""`pileus token`: how principals prove who they are."""

from functools import partial
from typing import Annotated

import typer

from pileus.cli import phrases
from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.output import Row
from pileus.cli.session import Session

app = typer.Typer(help="Tokens: how a member proves who they are.")


@app.command("create", cls=Command)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    principal: Annotated[
        str | None, typer.Option(help="Member to make it for; yourself when absent.")
    ] = None,
    expires_days: Annotated[
        int | None, typer.Option(min=1, help="Days until it is worthless; never when absent.")
    ] = None,
) -> None:
    """Make a token; its secret is shown once."""
    session = Session.of(context)
    made = session.client.tokens.create(name, principal, expires_days)
    session.output.show(made, lambda _: session.output.say(made["token"]))
    session.output.note("[dim]Shown this once. Give it in PILEUS_TOKEN.[/]")


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the tokens of the project, without their secrets."""
    session = Session.of(context)
    by = session.people.name
    session.output.table(
        session.client.tokens.list(),
        [
            ("ID", "id"),
            ("NAME", "name"),
            ("PRINCIPAL", lambda row: by(row["principal"])),
            ("EXPIRES", lambda row: phrases.moment(row.get("expires_at")) or "never"),
            ("STATE", _state),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        "No token.",
    )


def _state(row: Row) -> str:
    if row.get("revoked_at"):
        return "revoked"
    return "expired" if phrases.is_past(row.get("expires_at")) else "active"


@app.command("revoke", cls=Command)
def revoke(
    context: typer.Context, token: Annotated[str, typer.Argument(metavar="ID", help="Id.")]
) -> None:
    """Make a token worthless; gateways learn it within seconds."""
    session = Session.of(context)
    gone = session.client.tokens.revoke(token)
    session.output.show(gone, lambda _: session.output.say(f"Token {token} is revoked"))


@app.command("delete", cls=Command)
def delete(
    context: typer.Context,
    token: Annotated[str, typer.Argument(metavar="ID", help="Id.")],
    now: Now = False,
    yes: Yes = False,
) -> None:
    """Delete a token: it stops working and leaves the list."""
    session = Session.of(context)
    call = partial(session.client.tokens.delete, token)
    delete_for(session, f"token {token}", call, now=now, yes=yes)
