"""What every `delete` command shares: a question where there is no way back, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pileus.cli import phrases
from pileus.core.errors import InvalidRequest

if TYPE_CHECKING:
    from pileus.cli.session import Session
    from pileus.sdk.api import Document

Now = Annotated[bool, typer.Option("--now", help="Without grace: it cannot be brought back.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="With --now: do not ask.")]


def delete_for(
    session: Session, what: str, call: Callable[..., Document], *, now: bool, yes: bool
) -> None:
    """Delete by `call` and say how to get it back; `what` names it in a question."""
    if now and not yes:
        _ask(session, what)
    tombstone = call(now=now)
    session.output.show(tombstone, lambda _: session.output.say(_said(tombstone, now=now)))


def _ask(session: Session, what: str) -> None:
    import sys  # only when asking

    if session.json or not sys.stdin.isatty():
        raise InvalidRequest(
            f"Deleting {what} with --now cannot be undone", hint="Say that you mean it with --yes."
        )
    typer.confirm(f"Delete {what} for good?", abort=True)


def _said(tombstone: Document, *, now: bool) -> str:
    noun = str(tombstone["noun"]).replace("_", " ").capitalize()
    if now:
        return f"{noun} {tombstone['name']} is deleted for good"
    return (
        f"{noun} {tombstone['name']} is deleted. Until {phrases.moment(tombstone['kept_until'])},"
        f" `pileus undelete {tombstone['id']}` brings it back."
    )


def left(tombstone: Document, now: datetime | None = None) -> str:
    """How long something can still be brought back."""
    if tombstone.get("collected_at"):
        return "collected"
    if phrases.is_past(tombstone["kept_until"], now):
        return "over"
    from datetime import UTC  # only here

    until = datetime.fromisoformat(tombstone["kept_until"])
    seconds = (until - (now or datetime.now(UTC))).total_seconds()
    days, rest = divmod(seconds, 86400)
    return f"{int(days)} d {int(rest // 3600)} h" if days else phrases.seconds(seconds)
