"""`pileus job logs`: what a job wrote, and when."""

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from pileus.cli import moments
from pileus.cli.session import Session

_SINKS = ("stdout", "stderr")


def logs(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="ID", help="Id of the job.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
    stream: Annotated[str | None, typer.Option(help="stdout or stderr; both when absent.")] = None,
    attempt: Annotated[str | None, typer.Option(help="Id of an earlier attempt.")] = None,
    rank: Annotated[int, typer.Option(min=0, help="Which member of a gang.")] = 0,
    grep: Annotated[str, typer.Option(help="Only lines that contain this text, as it is.")] = "",
    tail: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Only the last so many lines.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only lines written in the last 30s, 10m, 2h or 1d, or after a time."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Only lines written before that; as for --since.")
    ] = None,
    timestamps: Annotated[
        bool,
        typer.Option(
            "--timestamps", "-t", help="Before each line when it was written, in UTC; - if unknown."
        ),
    ] = False,
) -> None:
    """Print what a job wrote: its stdout on stdout, its stderr on stderr."""
    session = Session.of(context)
    streams = [_stream(stream)] if stream else list(_SINKS)
    if follow and (grep or tail is not None or until is not None):
        raise typer.BadParameter("not with --grep, --tail or --until", param_hint="--follow")
    if attempt is not None and rank:
        raise typer.BadParameter("not with --attempt, which names the member", param_hint="--rank")
    begin, end = moments.moment(since, "--since"), moments.moment(until, "--until")
    jobs: Any = session.client.jobs
    if follow and not session.json:
        _copy(
            streams,
            lambda one: jobs.follow_logs(
                job, one, attempt, rank=rank, since=begin, timestamps=timestamps
            ),
        )
    elif session.json or grep or tail is not None or begin or end or timestamps:
        found = {
            one: jobs.log_lines(
                job,
                one,
                attempt,
                rank=rank,
                grep=grep,
                tail=tail,
                since=begin,
                until=end,
                timestamps=timestamps,
            )
            for one in streams
        }
        if session.json:
            texts = {one: data.decode("utf-8", "replace") for one, data in found.items()}
            session.output.write_json({"job": job, **texts})
        else:
            _write(found)
    else:
        _copy(streams, lambda one: jobs.written_logs(job, one, attempt, rank=rank))


def print_logs(session: Session, job: str) -> None:
    """Copy the streams of a job to those of this process, each as it comes, until it has ended."""
    jobs: Any = session.client.jobs
    _copy(_SINKS, lambda stream: jobs.follow_logs(job, stream))


def _copy(streams: Iterable[str], read: Callable[[str], Iterable[bytes]]) -> None:
    """Each stream to its own of this process, at the same time."""
    sinks = {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
    failures: list[Exception] = []

    def copy(stream: str) -> None:
        sink = sinks[stream]
        try:
            for chunk in read(stream):
                sink.write(chunk)
                sink.flush()
        except Exception as error:  # noqa: BLE001  raised again in the main thread
            failures.append(error)

    threads = [threading.Thread(target=copy, args=(one,), daemon=True) for one in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _write(found: dict[str, bytes]) -> None:
    for one, sink in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        sink.buffer.write(found.get(one, b""))
        sink.flush()


def _stream(name: str) -> str:
    if name not in _SINKS:
        raise typer.BadParameter(f"{name!r} is neither stdout nor stderr", param_hint="--stream")
    return name
