"""`pileus up`: server, gateway and worker in one home, under one supervisor."""

import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pileus.cli.session import Session

if TYPE_CHECKING:
    from pileus.cli.handover import Process
    from pileus.cli.home import Home
    from pileus.cli.installation import Plan

Seconds = Annotated[float, typer.Option(min=0, help="How long to wait until it is ready.")]
HiddenDescriptor = Annotated[int | None, typer.Option(hidden=True)]


def up(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(help="Port of the server; 0 picks a free one.", show_default="7070"),
    ] = None,
    gateway_port: Annotated[
        int | None,
        typer.Option(help="Port of the gateway; 0 picks a free one.", show_default="7080"),
    ] = None,
    grpc_port: Annotated[
        int | None,
        typer.Option(
            help="Port of the gateway for gRPC; 0 picks a free one.",
            show_default="the one after the gateway's",
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay attached; Ctrl-C stops everything.")
    ] = False,
    wait_seconds: Seconds = 60.0,
    supervisor_fd: HiddenDescriptor = None,
) -> None:
    """Start server, gateway and worker."""
    from pileus.cli import installation  # start-up time
    from pileus.cli.home import AlreadyUp, Home  # start-up time
    from pileus.cli.leftovers import end_leftovers, remove_half_written  # start-up time
    from pileus.storage.revisions import refuse_newer_file  # start-up time

    session = Session.of(context)
    home = Home(session.home)
    is_first = not home.read("tokens.json")
    home.prepare()
    try:
        lock = home.lock()
    except AlreadyUp as error:
        raise _explained(error, home) from error
    end_leftovers(home)
    remove_half_written(home)
    refuse_newer_file(home.path / "state" / "pileus.db")
    plan = installation.plan(home, host, port, gateway_port, grpc_port)
    if foreground:
        _stay(session, home, plan, wait_seconds, supervisor_fd)
        os.close(lock)
        return
    supervisor = _detach(home, plan, lock)
    os.close(lock)
    _announce(session, home, _ready(home, wait_seconds, supervisor), is_first=is_first)


def _stay(
    session: Session,
    home: "Home",
    plan: "Plan",
    wait_seconds: float,
    parent_fd: int | None,
) -> None:
    from pileus.cli import installation, readiness  # start-up time
    from pileus.cli.process_logs import start_supervisor_log  # start-up time

    def announce() -> None:
        seen = readiness.wait_until_ready(home, wait_seconds)
        if seen["state"] == "ready":
            _announce(session, home, seen, is_first=False)
        else:
            session.output.note(f"Not ready yet. {readiness.reasons(seen)}")

    start_supervisor_log(home.path)
    threading.Thread(target=announce, daemon=True).start()
    installation.supervise(home, plan, parent_fd)


def _detach(home: "Home", plan: "Plan", lock: int) -> "Process":
    """The supervisor in a session of its own; it goes on holding the lock that we took."""
    from pileus.cli import handover, supervising  # start-up time
    from pileus.cli.process_logs import log_settings  # start-up time

    read = log_settings(home.path)
    bounds = supervising.Bounds(read.level, read.file_bytes, read.files)
    with (home.logs / "supervisor.log").open("ab") as log:
        return handover.hand_over(supervising.words(home, plan, bounds), lock, log.fileno())


def _ready(home: "Home", seconds: float, supervisor: "Process") -> dict[str, Any]:
    """The state once it is ready. Raises Unavailable; what crash-loops is stopped first."""
    from pileus.cli import readiness  # start-up time
    from pileus.core.errors import Unavailable  # start-up time

    seen = readiness.wait_until_ready(home, seconds, lambda: supervisor.poll() is not None)
    if seen["state"] == "ready":
        return seen
    hint = f"Read the logs in {str(home.logs)!r}."
    if supervisor.poll() is not None:
        raise Unavailable(
            f"The supervisor ended at once, with exit code {supervisor.returncode}", hint=hint
        )
    if any(process["state"] == "crash_loop" for process in seen["processes"].values()):
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait()
        raise Unavailable(f"Pileus did not start. {readiness.reasons(seen)}", hint=hint)
    raise Unavailable(
        f"Not ready after {seconds:g} s. {readiness.reasons(seen)}",
        hint="It goes on starting: see `pileus status`.",
    )


def _announce(session: Session, home: "Home", seen: dict[str, Any], *, is_first: bool) -> None:
    processes = seen["processes"]
    document = {
        "state": seen["state"],
        "home": str(home.path),
        "server": processes["server"]["url"],
        "gateway": processes["gateway"]["url"],
        "grpc": processes["gateway"].get("grpc"),
        "supervisor": seen["supervisor"],
    }
    if is_first:
        document["token"] = home.read("tokens.json").get("default")
    session.output.show(document, lambda _: _say(session, document))


def _say(session: Session, document: dict[str, Any]) -> None:
    say = session.output.say
    say(f"[bold green]Pileus is up[/] in {document['home']}")
    say(f"  server   {document['server']}")
    say(f"  gateway  {document['gateway']}")
    if document["grpc"]:
        say(f"  gRPC     {document['grpc']}")
    if document.get("token"):
        say(f"  token    {document['token']}")
        say(
            "[dim]  The token of the first admin, shown this once; commands here use it already.[/]"
        )


def _explained(error: Any, home: "Home") -> Exception:  # noqa: ANN401  AlreadyUp, imported late
    from pileus.cli import readiness  # start-up time

    seen = readiness.look(home)
    urls = [f"{n} {p['url']}" for n, p in seen["processes"].items() if p.get("answers")]
    state = f"already up: {', '.join(urls)}" if urls else f"{seen['state']}, not answering yet"
    explained: Exception = type(error)(f"{error.message}; it is {state}", hint=error.hint)
    return explained
