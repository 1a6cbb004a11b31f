"""`pileus dataset`: data in, immutable versions out."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pileus.cli import phrases
from pileus.cli.commands import dataset_clean
from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.output import fields
from pileus.cli.session import Session
from pileus.cli.skipped import counted, show_skipped, skipped_of

app = typer.Typer(help="Datasets and their immutable versions.")
app.command("clean", cls=Command)(dataset_clean.clean)
app.command("check", cls=Command)(dataset_clean.check)

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
_CLASSES_SHOWN = 20

Version = Annotated[str, typer.Argument(help="NAME for its newest version, NAME@2, or dsv_…")]


@app.command("create", cls=Command)
def create(
    context: typer.Context,
    name: Name,
    source: Annotated[
        str,
        typer.Argument(
            help="File or folder, URL of a database, or sample:digits; see the guide for kinds."
        ),
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
    encoding: Annotated[
        str | None, typer.Option(help="Of a text file that is not UTF-8, such as gbk.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Names a,b,c of the columns of a CSV file without a header.")
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="A CSV file without a header; numbers its columns.")
    ] = False,
    query: Annotated[
        str | None, typer.Option(help="SELECT, or name of a table, if SOURCE is a database.")
    ] = None,
    checksum: Annotated[
        str | None, typer.Option(help="sha256:… of the bytes, if SOURCE is an address.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out and list what cannot be used.")
    ] = False,
) -> None:
    """Make a version of dataset NAME from SOURCE; the same content is the same version."""
    from pileus.cli.ingestion import create_version  # start-up time

    session = Session.of(context)
    version = create_version(
        session,
        name,
        source,
        label=label,
        task=task,
        split_seed=split_seed,
        untouched=untouched,
        encoding=encoding,
        query=query,
        checksum=checksum,
        columns=tuple(columns.split(",")) if columns else None,
        no_header=no_header,
        skip_bad=skip_bad,
    )
    session.output.show(version, lambda console: fields(console, _facts(version)))
    parts = version.get("skipped", [])
    show_skipped(session.output, parts, len(parts))


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
        if (skipped := skipped_of(version)) is not None:
            show_skipped(session.output, skipped["first"], skipped["total"])
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
    directory: Annotated[
        Path | None, typer.Argument(help="Where to write; made if it is not there.")
    ] = None,
    split: Annotated[
        Literal["train", "untouched"] | None, typer.Option(help="Only this part; both when absent.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most this many images, or rows of each part.")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="One .tar, .tar.gz or .zip instead of a directory.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what is there already.")
    ] = False,
) -> None:
    """Make the items of a version files again: images in class folders, tables as CSV."""
    from pileus.cli.export import export_archive, export_items  # only this command needs it

    if (directory is None) == (archive is None):
        raise typer.BadParameter("Give either a DIRECTORY or --archive FILE.")
    session = Session.of(context)
    version = _version(session, name)
    if archive is not None:
        made = export_archive(session.client, version, archive, split, limit, replace=replace)
    else:
        found = export_items(
            session.client, version, directory or Path(), split, limit, replace=replace
        )
        made = [str(path) for path in found]
    where = archive or directory
    session.output.show(made, lambda _: session.output.say(f"{len(made)} files are in {where}"))


@app.command("delete", cls=Command)
def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="NAME, or one version: NAME@2, NAME@dsv_…")],
    now: Now = False,
    yes: Yes = False,
) -> None:
    """Delete a dataset with its versions, or one version."""
    session = Session.of(context)
    call = partial(session.client.datasets.delete, name)
    delete_for(session, f"dataset {name}", call, now=now, yes=yes)


@app.command("profile", cls=Command)
def profile(
    context: typer.Context,
    name: Version,
    again: Annotated[
        bool, typer.Option("--again", help="Compute one now, with this profiler; others stay.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Also write one page with pictures to this file.")
    ] = None,
) -> None:
    """Show what a version holds: columns, classes, images, and what to look at."""
    from pileus.cli import profiling  # numpy: only this command needs it
    from pileus.cli.profile_view import show_profile  # as above

    session = Session.of(context)
    version = _version(session, name)
    if again:
        profiling.profile_again(session.client, version)
    found = profiling.fetch_profile(session.client, version)
    session.output.show(
        profiling.document(version, found), lambda console: show_profile(console, version, found)
    )
    if html is not None:
        from pileus.cli.profile_page import write_page  # as above

        write_page(session.client, version, found, html)
        session.output.note(f"The page is in {html}")


@app.command("diff", cls=Command)
def diff(
    context: typer.Context,
    a: Annotated[str, typer.Argument(help="The version before: NAME@1, dsv_…")],
    b: Annotated[str, typer.Argument(help="The version after: NAME (its newest), NAME@2, dsv_…")],
) -> None:
    """Compare two versions: rows, schema, classes, and how far columns drifted."""
    from pileus.cli.difference_view import show_difference  # only this command needs it
    from pileus.data import comparing  # the same

    session = Session.of(context)
    found = comparing.diff(session.client, a, b)
    session.output.show(found, lambda console: show_difference(console, a, b, found))


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
        ("classes", _listed(classes)),
        ("train", f"{version['rows_train']} rows"),
        ("untouched", f"{version['rows_untouched']} rows"),
        ("size", phrases.size(version["size_bytes"])),
        ("skipped", counted(skipped_of(version))),
    ]


def _listed(classes: list[object]) -> str:
    shown = ", ".join(map(str, classes[:_CLASSES_SHOWN]))
    return shown if len(classes) <= _CLASSES_SHOWN else f"{shown}, … ({len(classes):,} in all)"


def _shortened(source: str | None) -> str | None:
    """A path below the home of the person, as they would write it."""
    if source is None or not source.startswith(str(Path.home())):
        return source
    return f"~{source.removeprefix(str(Path.home()))}"
