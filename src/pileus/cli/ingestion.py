"""Makes a dataset version: reads the source here, uploads what the server misses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from pileus.core.errors import InvalidRequest
from pileus.data import create

if TYPE_CHECKING:
    from pileus.cli.output import Output
    from pileus.cli.session import Session
    from pileus.data.progress import Progress, Report

_TITLES = {"fetch": "fetching", "read": "reading", "upload": "uploading"}
_TASKS = ("classification", "regression")


def create_version(
    session: Session, name: str, source: str, *, task: str | None = None, **options: object
) -> dict[str, Any]:
    """A version of dataset `name` with the content of `source`; with what was skipped, if asked."""
    if task is not None and task not in _TASKS:
        raise InvalidRequest(f"Task {task!r} is not known", hint=f"Use one of {', '.join(_TASKS)}.")
    client = session.client  # first: reading a large source to find no server helps nobody
    with _progress(session.output) as report:
        created = create.create_version(client, name, source, progress=report, task=task, **options)
    for notice in created.notices:
        session.output.note(f"[yellow]Note:[/] {escape(notice)}")
    if not options.get("skip_bad"):
        return created.version
    return {**created.version, "skipped": [asdict(one) for one in created.skipped]}


@contextmanager
def _progress(output: Output) -> Iterator[Report | None]:
    """A report that moves a bar per stage when a person watches."""
    if not output.is_live:
        yield None
        return
    from rich import progress as bars  # start-up time

    columns = (
        bars.TextColumn("{task.description:<9}"),
        bars.BarColumn(bar_width=30),
        bars.TextColumn("[dim]{task.fields[figures]}[/]"),
    )
    with bars.Progress(*columns, console=output.console, transient=True) as shown:
        tasks: dict[str, bars.TaskID] = {}

        def report(progress: Progress) -> None:
            if progress.stage not in tasks:
                title = _TITLES[progress.stage]
                tasks[progress.stage] = shown.add_task(title, total=None, figures="")
            shown.update(
                tasks[progress.stage],
                total=progress.total,
                completed=progress.done,
                figures=_figures(progress),
            )

        yield report


def _figures(progress: Progress) -> str:
    from pileus.cli import phrases  # only for the bar

    if progress.unit == "bytes":
        return phrases.size(progress.done)
    return f"{progress.done:,} {progress.unit}"
