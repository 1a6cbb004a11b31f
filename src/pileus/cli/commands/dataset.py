"""`pileus dataset`: data in, immutable versions out."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pileus.cli import phrases
from pileus.cli.options import Command
from pileus.cli.output import fields
from pileus.cli.session import Session

app = typer.Typer(help="Datasets and their immutable versions.")

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]


@app.command("create", cls=Command)
def create(
    context: typer.Context,
    name: Name,
    source: Annotated[
        str,
        typer.Argument(help="Folder of class folders, CSV file, IDX files, or sample:digits."),
    ],
    label: Annotated[
        str | None, typer.Option(help="Column to predict; needed for tables only.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; found out when absent.")
    ] = None,
    split_seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    untouched: Annotated[
        float, typer.Option(help="Part that no training ever reads, if the source has none.")
    ] = 0.2,
) -> None:
    """Make a version of dataset NAME from SOURCE; the same content is the same version."""
    from pileus.cli.ingestion import create_version  # start-up time

    session = Session.of(context)
    version = create_version(
        session, name, source, label=label, task=task, split_seed=split_seed, untouched=untouched
    )
    session.output.show(version, lambda console: fields(console, _facts(version)))


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the datasets of the project."""
    session = Session.of(context)
    session.output.table(
        session.client.datasets.list(),
        [
            ("NAME", "name"),
            ("VERSIONS", "versions"),
            ("NEWEST", "newest"),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        "No dataset yet. Make one with `pileus dataset create NAME SOURCE`.",
    )


@app.command("show", cls=Command)
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a dataset, or id of a version, dsv_…")],
) -> None:
    """Show a dataset with its versions, or one version."""
    session = Session.of(context)
    datasets = session.client.datasets
    if name.startswith("dsv_"):
        version = datasets.version(name)
        session.output.show(version, lambda console: fields(console, _facts(version)))
        return
    dataset = {**datasets.get(name), "items": list(datasets.versions(name))}
    if session.json:
        session.output.write_json(dataset)
        return
    session.output.table(
        dataset["items"],
        [
            ("VERSION", "id"),
            ("KIND", "kind"),
            ("TRAIN", "rows_train"),
            ("UNTOUCHED", "rows_untouched"),
            ("SIZE", lambda row: phrases.size(row["size_bytes"])),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        f"Dataset {name!r} has no version.",
    )


def _facts(version: Any) -> list[tuple[str, object]]:  # noqa: ANN401  a document
    info = version.get("info", {})
    classes = info.get("classes") or []
    return [
        ("version", version["id"]),
        ("dataset", version["dataset"]),
        ("source", _shortened(version.get("source"))),
        ("kind", f"{version['kind']}, {version['task']}"),
        ("classes", ", ".join(map(str, classes))),
        ("train", f"{version['rows_train']} rows"),
        ("untouched", f"{version['rows_untouched']} rows"),
        ("size", phrases.size(version["size_bytes"])),
    ]


def _shortened(source: str | None) -> str | None:
    """A path below the home of the person, as they would write it."""
    if source is None or not source.startswith(str(Path.home())):
        return source
    return f"~{source.removeprefix(str(Path.home()))}"
