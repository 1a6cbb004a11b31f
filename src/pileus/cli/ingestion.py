"""Makes a dataset version: reads the source here, uploads what the server misses."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pileus.core.errors import InvalidRequest
from pileus.core.names import check_name
from pileus.data.ingest import prepare
from pileus.data.publish import publish

if TYPE_CHECKING:
    from pileus.cli.output import Output
    from pileus.cli.session import Session
    from pileus.data.progress import Progress, Report
    from pileus.data.schema import Task
    from pileus.sdk import Client

_TITLES = {"read": "reading", "upload": "uploading"}
_TASKS = ("classification", "regression")


class SdkUploader:
    """What publishing needs of a server, by the SDK."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def missing(self, digests: Sequence[str]) -> list[str]:
        return self._client.blobs.missing(digests)

    def put_blob(self, digest: str, path: Path) -> None:
        self._client.blobs.put(digest, path)

    def create_version(
        self, name: str, manifest_digest: str, profile_digest: str | None
    ) -> dict[str, Any]:
        made = self._client.datasets.add_version(name, manifest_digest, profile_digest)
        return dict(made)


def create_version(
    session: Session,
    name: str,
    source: str,
    *,
    label: str | None = None,
    task: str | None = None,
    split_seed: int = 0,
    untouched: float = 0.2,
) -> dict[str, Any]:
    """A version of dataset `name` with the content of `source`."""
    if task is not None and task not in _TASKS:
        raise InvalidRequest(f"Task {task!r} is not known", hint=f"Use one of {', '.join(_TASKS)}.")
    name = check_name(name, "dataset")
    client = session.client  # first: reading a large source to find no server helps nobody
    with tempfile.TemporaryDirectory(prefix="pileus-dataset-") as into:
        with _progress(session.output) as report:
            prepared = prepare(
                source,
                into=Path(into),
                label=label,
                task=cast("Task | None", task),
                split_seed=split_seed,
                untouched=untouched,
                progress=report,
            )
            version = publish(SdkUploader(client), name, prepared, report)
        for notice in prepared.notices:
            session.output.note(f"[yellow]Note:[/] {notice}")
    return version


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
