"""`pileus model`: registered models and their versions."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import typer

from pileus.cli import phrases
from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.output import fields
from pileus.cli.session import Session
from pileus.cli.trees import show_lineage

app = typer.Typer(help="Registered models and their versions.")

Reference = Annotated[str, typer.Argument(metavar="MODEL", help="Such as digits or digits:2.")]


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the models of the project."""
    session = Session.of(context)
    session.output.table(
        session.client.models.list(),
        [
            ("NAME", "name"),
            ("VERSIONS", "versions"),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        "No model yet. Train one with `pileus train DATASET --recipe cnn --register NAME`.",
    )


@app.command("show", cls=Command)
def show(context: typer.Context, reference: Reference) -> None:
    """Show a model with its versions, or one version, MODEL:NUMBER."""
    session = Session.of(context)
    name, number = _split(reference)
    models = session.client.models
    if number is not None:
        _show_version(session, models.version(name, number))
        return
    model = {**models.get(name), "items": list(models.versions(name))}
    if session.json:
        session.output.write_json(model)
        return
    session.output.table(
        model["items"],
        [
            ("VERSION", lambda row: f"{row['model']}:{row['number']}"),
            ("SCORE", lambda row: _score(row.get("evaluation", {}))),
            ("JOB", "job"),
            ("DATASET VERSION", "dataset_version"),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        f"Model {name!r} has no version.",
    )


@app.command("lineage", cls=Command)
def lineage(context: typer.Context, reference: Reference) -> None:
    """Show what a version was made from; the newest when no number is given."""
    session = Session.of(context)
    name, number = _split(reference)
    models = session.client.models
    if number is None:
        number = max(version["number"] for version in models.versions(name))
    found = session.client.lineage.of(models.version(name, number)["id"])
    session.output.show(found, lambda console: show_lineage(console, found))


@app.command("register", cls=Command)
def register(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="Id of a train job that succeeded.")],
    name: Annotated[str, typer.Argument(help="Name of the model.")],
) -> None:
    """Make what JOB trained a version of model NAME."""
    session = Session.of(context)
    _show_version(session, session.client.models.register(name, job))


@app.command("delete", cls=Command)
def delete(
    context: typer.Context, reference: Reference, now: Now = False, yes: Yes = False
) -> None:
    """Delete a model with its versions, or one version, MODEL:NUMBER."""
    session = Session.of(context)
    call = partial(session.client.models.delete, reference)
    delete_for(session, f"model {reference}", call, now=now, yes=yes)


def _show_version(session: Session, version: Mapping[str, Any]) -> None:
    by = session.people.name
    session.output.show(
        version, lambda console: fields(console, _facts(version, by(version["created_by"])))
    )


def _split(reference: str) -> tuple[str, int | None]:
    name, separator, number = reference.partition(":")
    if not separator:
        return name, None
    if not number.isdecimal():
        raise typer.BadParameter(
            f"{reference!r}: what follows ':' is a version's number", param_hint="MODEL"
        )
    return name, int(number)


def _facts(version: Mapping[str, Any], created_by: str) -> list[tuple[str, object]]:
    parity = version.get("parity", {})
    evaluation = version.get("evaluation", {})
    return [
        ("version", f"{version['model']}:{version['number']}"),
        ("id", version["id"]),
        ("job", version["job"]),
        ("dataset", version.get("dataset_version")),
        ("code", version.get("code_digest")),
        *((name, _number(value)) for name, value in evaluation.items() if _is_shown(value)),
        ("parity", _parity(parity)),
        ("takes", _takes(version.get("signature", {}))),
        ("created", f"{phrases.ago(version['created_at'])} by {created_by}"),
    ]


def _takes(signature: Mapping[str, Any]) -> str | None:
    """That rows are sent as they were before cleaning, of a model that cleans them itself."""
    columns = [column for one in signature.get("inputs", ()) for column in one.get("columns") or ()]
    names = [column["name"] for column in columns if column.get("prepared")]
    if not names:
        return None
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"rows as they were before cleaning; it fills, clips or scales {shown} itself"


def _is_shown(value: object) -> bool:
    return isinstance(value, int | float | str)


def _number(value: object) -> object:
    return f"{value:.4f}" if isinstance(value, float) else value


def _parity(parity: Mapping[str, Any]) -> str | None:
    if "max_abs_diff" not in parity:
        return None
    return f"the exported graph differs by at most {parity['max_abs_diff']:.1e}"


def _score(evaluation: dict[str, Any]) -> str:
    for name in ("accuracy", "r2"):
        if name in evaluation:
            return f"{name} {evaluation[name]:.4f}"
    return ""
