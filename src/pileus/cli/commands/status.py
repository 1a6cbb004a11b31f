"""`pileus status`: is it ready, and if not, why."""

from typing import Any

import typer

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
    seen["nodes"] = _nodes(session) if seen["state"] == "ready" else []
    session.output.show(seen, lambda _: _say(session, seen))


def _nodes(session: Session) -> list[dict[str, Any]]:
    from pileus.core.errors import PileusError  # start-up time

    try:
        return [dict(node) for node in session.client.installation.nodes()]
    except PileusError:  # nodes are for who has a token; the state above is for everybody
        return []


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
    if seen["state"] == "stopped":
        say("[dim]Start it with `pileus up`.[/]")


def _capacity(capacity: dict[str, Any]) -> str:
    parts = [
        f"{capacity.get('cpu_milli', 0) / 1000:g} CPU",
        f"{capacity.get('memory_mib', 0)} MiB",
        *(device["kind"] for device in capacity.get("devices", ())),
        *(f"{name}={count}" for name, count in capacity.get("custom", {}).items()),
    ]
    return ", ".join(parts)
