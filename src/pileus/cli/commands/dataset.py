"""`pileus dataset`: data in, immutable versions out."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pileus.cli import phrases
from pileus.cli.commands import dataset_clean
from pileus.cli.options import Command
from pileus.cli.output import fields
from pileus.cli.session import Session

app = typer.Typer(help="Datasets and their immutable versions.")
app.command("clean", cls=Command)(dataset_clean.clean)
app.command("check", cls=Command)(dataset_clean.check)

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
Version = Annotated[str, typer.Argument(help="NAME for its newest version, NAME@2, or dsv_…")]


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
    name: Annotated[str, typer.Argument(help="NAME, or a version: NAME@2, dsv_…")],
) -> None:
    """Show a dataset with its versions, or one version."""
    session = Session.of(context)
    datasets = session.client.datasets
    if "@" in name or name.startswith("dsv_"):
        version = _version(session, name)
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
            ("NUMBER", "number"),
            ("KIND", "kind"),
            ("TRAIN", "rows_train"),
            ("UNTOUCHED", "rows_untouched"),
            ("SIZE", lambda row: phrases.size(row["size_bytes"])),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        f"Dataset {name!r} has no version.",
    )


@app.command("export", cls=Command)
def export(
    context: typer.Context,
    name: Version,
    directory: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")],
    split: Annotated[
        Literal["train", "untouched"] | None, typer.Option(help="Only this part; both when absent.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many items.")] = None,
) -> None:
    """Write the items of a version into DIRECTORY as files again."""
    from pileus.cli.export import export_items  # only this command needs it

    session = Session.of(context)
    made = [
        str(path)
        for path in export_items(session.client, _version(session, name), directory, split, limit)
    ]
    session.output.show(made, lambda _: session.output.say(f"{len(made)} files are in {directory}"))


def _version(session: Session, reference: str) -> Any:  # noqa: ANN401  a document
    """NAME (its newest), NAME@NUMBER, NAME@dsv_… or dsv_…. Raises NotFound."""
    datasets = session.client.datasets
    if reference.startswith("dsv_"):
        return datasets.version(reference)
    name, _, wanted = reference.partition("@")
    wanted = wanted or datasets.get(name)["newest"]
    versions = datasets.versions(name)
    found = next((one for one in versions if wanted in {str(one["number"]), one["id"]}), None)
    if found is None:
        from pileus.core.errors import NotFound  # only when failing

        raise NotFound(
            f"Dataset {name!r} has no version {wanted!r}",
            hint=f"List its versions with `pileus dataset show {name}`.",
        )
    return found


def _facts(version: Any) -> list[tuple[str, object]]:  # noqa: ANN401  a document
    info = version.get("info", {})
    classes = info.get("classes") or []
    return [
        ("version", version["id"]),
        ("dataset", version["dataset"]),
        ("source", _shortened(version.get("source"))),
        ("job", version.get("job")),
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
