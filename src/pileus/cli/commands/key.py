"""`pileus key`: encryption at rest, the keys of a project and the key above them."""

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from pileus.cli import phrases
from pileus.cli.options import Command
from pileus.cli.session import Session

app = typer.Typer(help="Keys: what a project's blobs are encrypted with.")

_LOOK_SECONDS = 0.5

Document = Mapping[str, Any]


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the keys of the project and how many blobs rest under each."""
    session = Session.of(context)
    document = session.client.keys.list()
    if session.json:
        session.output.write_json(document)
        return
    session.output.table(
        document["keys"],
        [
            ("ID", "id"),
            ("FOR", "purpose"),
            ("STATE", "state"),
            ("BLOBS", lambda row: row["blobs"] if row["purpose"] == "data" else ""),
            ("MASTER KEY", "master_key"),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        "No key yet: the first blob makes them.",
    )
    if document["plain_blobs"]:
        session.output.say(
            f"{document['plain_blobs']} blobs from before are not encrypted:"
            " run `pileus key encrypt`."
        )
    rewrite = document["rewrite"]
    if rewrite is not None and (rewrite["state"] == "running" or rewrite["failed"]):
        session.output.say(_rewriting(rewrite))


@app.command("rotate", cls=Command)
def rotate(
    context: typer.Context,
    master: Annotated[
        bool, typer.Option("--master", help="The master key of the installation, instead.")
    ] = False,
    reencrypt: Annotated[
        bool, typer.Option("--reencrypt", help="Encrypt old blobs with the new key, too.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for old blobs.")] = False,
) -> None:
    """Make a new key for new blobs; old ones stay readable."""
    session = Session.of(context)
    if master:
        if reencrypt:
            from pileus.core.errors import InvalidRequest  # start-up time

            raise InvalidRequest(
                "--reencrypt is for the key of a project, not for --master",
                hint="Blobs do not depend on the master key: run the two one after the other.",
            )
        _rotate_master(session)
        return
    made = session.client.keys.rotate(rewrite=reencrypt)
    document = session.client.keys.list() if detach or not reencrypt else _followed(session)
    session.output.show(
        {"key": made, **document}, lambda _: _say_rotated(session, made, document, detach)
    )


@app.command("encrypt", cls=Command)
def encrypt(
    context: typer.Context,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait until it is done.")] = False,
) -> None:
    """Encrypt blobs that are plain, or under an old key; it goes on if this command is stopped."""
    session = Session.of(context)
    document = session.client.keys.rewrite()
    if not detach:
        document = _followed(session)
    session.output.show(document, lambda _: session.output.say(_rewriting(document["rewrite"])))


@app.command("shred", cls=Command)
def shred(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="Name of the project.")],
    confirm: Annotated[
        str | None, typer.Option(help="The project's name again, instead of being asked.")
    ] = None,
) -> None:
    """Destroy the keys of a project: its data is gone for good, its bill and audit stay."""
    session = Session.of(context)
    session.project_option = project
    given = confirm if confirm is not None else _asked(session, project)
    gone = session.client.keys.shred(given)
    session.output.show(gone, lambda _: _say_shredded(session, project, gone))


def _asked(session: Session, project: str) -> str:
    if session.json or not sys.stdin.isatty():
        from pileus.core.errors import InvalidRequest  # start-up time

        raise InvalidRequest(
            f"Shredding {project!r} was not confirmed, and nobody can be asked here",
            hint=f"Add --confirm {project}.",
        )
    session.output.say(
        f"This destroys the keys of project [bold]{project}[/]: no dataset, artifact, model, log or"
        " record of it\ncan be read again. It cannot be undone."
    )
    return str(typer.prompt("Type the project's name to go on"))


def _rotate_master(session: Session) -> None:
    rotated = session.client.keys.rotate_master()

    def say(_: object) -> None:
        session.output.say(
            f"{rotated['keys']} keys are wrapped with the new master key {rotated['after']}."
        )
        if rotated["kept_at"]:
            session.output.say(
                f"The old one is kept in {rotated['kept_at']}: copies of the database from before"
                " need it.\nDelete it once there are none."
            )

    session.output.show(rotated, say)


def _followed(session: Session) -> Document:
    """The keys once the rewriting is finished; Ctrl-C stops only the watching."""
    while True:
        document = session.client.keys.list()
        if document["rewrite"] is None or document["rewrite"]["state"] == "finished":
            if session.output.is_live:
                session.output.say("\r", end="")
            return document
        if session.output.is_live:
            session.output.say(f"\r{_rewriting(document['rewrite'])}", end="")
        time.sleep(_LOOK_SECONDS)


def _say_rotated(session: Session, made: Document, document: Document, detach: bool) -> None:
    session.output.say(f"New blobs are encrypted with {made['id']}.")
    old = sum(row["blobs"] for row in document["keys"] if row["state"] == "old")
    if document["rewrite"] is not None and (
        document["rewrite"]["state"] == "running" or document["rewrite"]["failed"] or not detach
    ):
        session.output.say(_rewriting(document["rewrite"]))
    if old:
        session.output.say(f"{old} blobs stay under older keys; `pileus key encrypt` moves them.")


def _say_shredded(session: Session, project: str, gone: Document) -> None:
    session.output.say(
        f"Project {project} is shredded: {gone['keys']} keys destroyed, {gone['blobs']} blobs removed."
    )
    session.output.say("What may remain:")
    for one in gone["remains"]:
        session.output.say(f"  * {one}")


def _rewriting(rewrite: Document) -> str:
    state = "encrypting" if rewrite["state"] == "running" else "encrypted"
    text = f"{rewrite['done']} of {rewrite['total']} blobs {state}"
    if rewrite["failed"]:
        text += f"; {rewrite['failed']} damaged, left as found: see the server's log"
    return text
