"""`pileus backup`: take backups of a home, list them, check them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pileus.cli import phrases
from pileus.cli.options import Command, Group
from pileus.cli.session import Session

if TYPE_CHECKING:
    from pileus.storage.backup.point import Point

_CREATE = "create"


class BackupGroup(Group):
    """`pileus backup DIRECTORY` is `pileus backup create DIRECTORY`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  see Command
        asks_for_help = any(word in {"--help", "-h"} for word in args[:1])
        if args and not asks_for_help and not self.commands.keys() & set(args):
            args = [_CREATE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(help="Backups of the installation: take, list, check.")

Where = Annotated[Path, typer.Argument(help="A directory, which takes many, or a file.tar.")]
Id = Annotated[str | None, typer.Option("--id", help="Which backup.", show_default="the newest")]


@app.command(_CREATE, cls=Command)
def create(
    context: typer.Context,
    where: Where,
    verify: Annotated[
        bool, typer.Option("--verify", help="Take none: check every digest of the newest there.")
    ] = False,
) -> None:
    """Back up the home, while it runs or not; a directory gets only what is new."""
    if verify:
        check(context, where)
        return
    from pileus import __version__  # start-up time
    from pileus.cli.database_choice import database_of  # start-up time
    from pileus.storage.backup.archive import archive_at  # SQLAlchemy: only here
    from pileus.storage.backup.taking import Backup, layout_of  # the same

    session = Session.of(context)
    home = session.home
    layout_of(home)  # before a place for backups is made
    with progress(session, "files") as report, archive_at(where).writing() as sink:
        url = database_of(home)
        point = Backup(home, url, sink, lambda: datetime.now(UTC), __version__, report).take()
    session.output.show(described(point), lambda _: _say_taken(session, point, where))


@app.command("list", cls=Command)
def list_(context: typer.Context, where: Where) -> None:
    """List the backups in a directory, newest first."""
    from pileus.core.errors import PileusError  # start-up time
    from pileus.storage.backup.archive import source_at  # SQLAlchemy: only here

    source = source_at(where)
    found: list[dict[str, Any]] = []
    for id_ in reversed(source.points()):
        try:
            found.append(described(source.point(id_)))
        except PileusError as error:
            found.append({"id": id_, "damage": error.message})
    Session.of(context).output.table(
        found,
        [
            ("ID", "id"),
            ("EVERYTHING UNTIL", lambda row: row.get("damage") or phrases.ago(row["at"])),
            ("FILES", "files"),
            ("SIZE", lambda row: _bytes(row.get("bytes"))),
            ("ADDED", lambda row: _bytes(row.get("copied_bytes"))),
            ("PILEUS", "pileus"),
        ],
        "No whole backup.",
    )


@app.command("show", cls=Command)
def show(context: typer.Context, where: Where, id_: Id = None) -> None:
    """Show what one backup holds."""
    from pileus.cli.output import fields  # start-up time
    from pileus.storage.backup.archive import source_at  # SQLAlchemy: only here

    point = source_at(where).point(id_)
    document = {**described(point), "rows": dict(point.database.rows)}

    def render(console: Any) -> None:  # noqa: ANN401  Rich, imported late
        plain = {name: text for name, text in document.items() if name != "rows"}
        counts = [(f"rows of {name}", number) for name, number in document["rows"].items()]
        fields(console, [*plain.items(), *counts])

    Session.of(context).output.show(document, render)


@app.command("verify", cls=Command)
def check(context: typer.Context, where: Where, id_: Id = None) -> None:
    """Read a backup and check every digest in it."""
    from pileus.storage.backup.archive import source_at  # SQLAlchemy: only here
    from pileus.storage.backup.restoring import verify  # the same

    session = Session.of(context)
    source = source_at(where)
    point = source.point(id_)
    with progress(session, "objects") as report:
        checked = verify(source, point, report)
    answer = {"id": point.id, "at": point.at, "objects": checked, "state": "whole"}
    session.output.show(
        answer,
        lambda _: session.output.say(f"Backup {point.id} is whole: {checked:,} objects read"),
    )


def described(point: Point) -> dict[str, Any]:
    """A backup in a list."""
    return {
        "id": point.id,
        "at": point.at,
        "ended_at": point.ended_at,
        "pileus": point.pileus,
        "database": point.database.kind,
        "revision": point.database.revision,
        "row_count": sum(point.database.rows.values()),
        "files": len(point.files),
        "bytes": point.size,
        "copied_bytes": point.copied_bytes,
    }


@contextmanager
def progress(session: Session, what: str) -> Iterator[Callable[[int], None]]:
    """Counts on stderr while a person watches."""
    if not session.output.is_live:
        yield lambda _: None
        return
    with session.output.notes.status("…") as status:
        yield lambda number: status.update(f"{number:,} {what}")


def _say_taken(session: Session, point: Point, where: Path) -> None:
    say = session.output.say
    say(f"[bold green]Backed up[/] {session.home} to {where}")
    say(f"  id          {point.id}")
    say(f"  holds       everything until {point.at[:19].replace('T', ' ')} UTC")
    say(
        f"  size        {_bytes(point.size)} in {len(point.files):,} files, {_bytes(point.copied_bytes)} added"
    )
    say("[dim]  It holds the keys as well: keep it as safe as the home.[/]")


def _bytes(number: int | None) -> str:
    if number is None:
        return ""
    if number < 1_000_000:
        return f"{number / 1000:.1f} kB"
    return f"{number / 1e6:,.1f} MB"
