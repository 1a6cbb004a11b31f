"""`pileus deleted`, `pileus undelete`, `pileus collect`: what is left of things, and for how long."""

from itertools import islice
from typing import Annotated

import typer

from pileus.cli import options, phrases
from pileus.cli.output import Row
from pileus.cli.session import Session


def deleted(
    context: typer.Context,
    noun: Annotated[
        str | None, typer.Option(help="Only one kind, such as dataset or model_version.")
    ] = None,
    limit: options.Limit = None,
) -> None:
    """List what was deleted, and how long it can be brought back."""
    from pileus.cli.deleting import left  # start-up time

    session = Session.of(context)
    where = {} if noun is None else {"noun": noun}
    session.output.table(
        islice(session.client.deleted.list(**where), options.most(session, limit)),
        [
            ("ID", "id"),
            ("NOUN", lambda row: row["noun"].replace("_", " ")),
            ("NAME", "name"),
            ("DELETED", lambda row: phrases.ago(row["created_at"])),
            ("BY", "deleted_by_name"),
            ("LEFT", left),
            ("WITH", "parent"),
        ],
        "Nothing was deleted.",
    )


def undelete(
    context: typer.Context,
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="Id of what was deleted, or of its tombstone.")
    ],
) -> None:
    """Bring back what was deleted, with all that went with it."""
    session = Session.of(context)
    back = session.client.deleted.undelete(identifier)
    noun = str(back["noun"]).replace("_", " ").capitalize()
    session.output.show(back, lambda _: session.output.say(f"{noun} {back['name']} is back"))


def collect(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Remove nothing; say what would go.")
    ] = False,
) -> None:
    """Remove for good what is due: the server does it by itself every hour."""
    session = Session.of(context)
    found = session.client.installation.collect(dry_run=dry_run)
    session.output.show(found, lambda _: session.output.say(_said(found)))


def _said(found: Row) -> str:
    verb = "Would remove" if found["is_dry_run"] else "Removed"
    parts = [
        f"{verb} {found['blobs']} blobs of {phrases.size(found['bytes'])}",
        f"{found['tombstones']} deletions whose grace is over",
    ]
    if not found["is_dry_run"]:
        parts += [
            f"{found['files']} files",
            f"{found['records']} segments of records",
            f"{found['keys']} idempotency keys",
            f"{found['changes']} entries of the change feed",
        ]
    return ", ".join(parts)
