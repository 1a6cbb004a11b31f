"""`pileus status`: is it ready, and if not, why."""

from typing import Any

import typer

from pileus.cli import phrases
from pileus.cli.session import Session

_COLOURS = {"ready": "green", "starting": "yellow", "degraded": "red", "stopped": "dim"}


def status(context: typer.Context) -> None:
    """Show whether every process answers, and the nodes that run jobs."""
    from pileus.cli import readiness  # start-up time
    from pileus.cli.home import Home  # start-up time

    session = Session.of(context)
    if session.settings.url is not None:
        seen: dict[str, Any] = {
            "state": session.client.installation.health()["state"],
            "url": session.client.url,
            "caller": session.client.me(),
        }
        session.output.show(seen, lambda _: session.output.say(f"{seen['state']}  {seen['url']}"))
        return
    seen = readiness.look(Home(session.home))
    seen["nodes"], seen["notes"], seen["encryption"] = [], [], None
    if seen["state"] == "ready":
        seen["nodes"], seen["notes"] = _nodes(session)
        seen["notes"] += _refused(session)
        seen["encryption"] = _encryption(session)
    session.output.show(seen, lambda _: _say(session, seen))


def _nodes(session: Session) -> tuple[list[dict[str, Any]], list[str]]:
    """The nodes, and what a person should know about them."""
    from pileus.core.errors import PileusError  # start-up time

    try:
        nodes = [dict(node) for node in session.client.installation.nodes()]
    except PileusError as error:  # nodes need a token; the state above is for everybody
        return [], [f"Nodes are not shown: {error.message}"]
    if not nodes:
        return [], ["No node has registered yet: jobs wait. If it stays so, read the worker's log"]
    return nodes, [
        f"Node {node['name']} has not been heard for {phrases.lasted(node['seen_at'], None)}"
        " and is given no job; look at the log of its worker"
        for node in nodes
        if not node.get("is_answering", True)
    ]


def _refused(session: Session) -> list[str]:
    """Schedules of the project that submitted nothing at their last time."""
    from pileus.cli.refusals import refusals  # start-up time
    from pileus.core.errors import PileusError  # start-up time

    try:
        return [f"{said}. {hint}" for said, hint in refusals(session.client.schedules.list())]
    except PileusError:  # `_nodes` has told of it
        return []


def _encryption(session: Session) -> dict[str, Any] | None:
    """Whether blobs are encrypted; None when the token is not known here."""
    from pileus.core.errors import PileusError  # start-up time

    try:
        return dict(session.client.keys.encryption())
    except PileusError:  # `_nodes` has told of it
        return None


def _say(session: Session, seen: dict[str, Any]) -> None:
    from rich.markup import escape  # start-up time

    say = session.output.say
    colour = _COLOURS[seen["state"]]
    say(f"[bold {colour}]{seen['state']}[/]  {seen['home']}")
    for name, process in seen["processes"].items():
        where = process.get("url") or ""
        say(f"  {name:<8} {process['state']:<10} {process['pid'] or '-':<8} {where}")
        if process.get("reason"):
            say(f"  {'':<8} [dim]{escape(process['reason'])}[/]")
    for node in seen["nodes"]:
        say(f"  [dim]node[/]     {node['name']}: {_capacity(node.get('capacity', {}))}")
    if seen["encryption"]:
        say(f"  [dim]blobs[/]    {_encrypted(seen['encryption'])}")
    for note in seen["notes"]:
        say(f"  [yellow]note[/]     {escape(note)}")
    if seen["state"] == "stopped":
        say("[dim]Start it with `pileus up`.[/]")


def _encrypted(encryption: dict[str, Any]) -> str:
    if encryption["is_on"]:
        return f"encrypted ({encryption['cipher']}, master key {encryption['master_key']})"
    return "not encrypted: encrypt_blobs is off"


def _capacity(capacity: dict[str, Any]) -> str:
    parts = [
        f"{capacity.get('cpu_milli', 0) / 1000:g} CPU",
        f"{capacity.get('memory_mib', 0)} MiB",
        *(device["kind"] for device in capacity.get("devices", ())),
        *(f"{name}={count}" for name, count in capacity.get("custom", {}).items()),
    ]
    return ", ".join(parts)
