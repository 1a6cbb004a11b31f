"""`pileus down`: bring an installation to rest and stop it."""

import os
import signal
import time
from typing import TYPE_CHECKING, Annotated

import typer

from pileus.cli.session import Session

if TYPE_CHECKING:
    from pileus.cli.home import Home

GRACE_SECONDS = 25.0
STOP_SECONDS = 90.0
_EVERY_SECONDS = 0.1


def down(
    context: typer.Context,
    wait: Annotated[
        bool, typer.Option("--wait", help="First let jobs that wait or run come to their end.")
    ] = False,
    grace_seconds: Annotated[
        float, typer.Option(min=0, help="How long running jobs have to save their state.")
    ] = GRACE_SECONDS,
) -> None:
    """Requeue running jobs and stop; they go on at the next `pileus up`."""
    from pileus.cli.drain import drain, wait_for_jobs  # start-up time
    from pileus.cli.home import Home  # start-up time
    from pileus.core.errors import PileusError  # start-up time

    session = Session.of(context)
    home = Home(session.home)
    output = session.output
    if not home.is_held:
        home_text = str(home.path)
        output.show(
            {"state": "stopped", "home": home_text, "was_running": False},
            lambda _: output.say(f"Pileus is not running in {home_text}"),
        )
        return
    try:
        if wait:
            wait_for_jobs(session.client)
        drain(session.client, grace_seconds, output.note)
    except PileusError as error:  # a server that does not answer must not keep us from stopping it
        output.note(f"Running jobs could not be requeued: {error.message}")
    _stop(_supervisor(home), home)
    output.show(
        {"state": "stopped", "home": str(home.path), "was_running": True},
        lambda _: output.say(f"Pileus is down; {home.path} keeps everything"),
    )


def _supervisor(home: "Home") -> int:
    from pileus.core.errors import Unavailable  # start-up time

    pid = home.read("pids.json").get("supervisor")
    if pid is None:  # it holds the home and has not written who it is, or is about to end
        raise Unavailable(
            f"Pileus in {str(home.path)!r} is starting or stopping just now",
            hint="Try again in a second.",
        )
    return int(pid)


def _stop(pid: int, home: "Home") -> None:
    from pileus.core.errors import Unavailable  # start-up time

    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while home.is_held:
        if time.monotonic() > deadline:
            raise Unavailable(
                f"The supervisor with process id {pid} did not stop within {STOP_SECONDS:g} s",
                hint=f"Read {str(home.logs / 'supervisor.log')!r}.",
            )
        time.sleep(_EVERY_SECONDS)
