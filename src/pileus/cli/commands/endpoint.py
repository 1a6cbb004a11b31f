"""`pileus endpoint`: stable addresses that serve models."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import typer

from pileus.cli import phrases
from pileus.cli.deleting import Now, Yes, delete_for
from pileus.cli.options import Command
from pileus.cli.output import fields
from pileus.cli.session import Session

app = typer.Typer(help="Endpoints: stable addresses that serve models.")

Name = Annotated[str, typer.Argument(help="Name of the endpoint.")]
Model = Annotated[
    str, typer.Option(help="Model version to serve: digits:1, or digits for its newest.")
]


@app.command("create", cls=Command)
def create(context: typer.Context, name: Name, model: Model) -> None:
    """Make an endpoint that serves a model version."""
    session = Session.of(context)
    endpoint = session.client.endpoints.create(name, model)
    _wait(session, endpoint)
    session.output.show(
        endpoint,
        lambda _: session.output.say(
            f"Endpoint {name} serves {_served(session, endpoint)}."
            f" Ask it with `pileus predict {name} FILE`."
        ),
    )


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List the endpoints of the project."""
    session = Session.of(context)
    session.output.table(
        session.client.endpoints.list(),
        [
            ("NAME", "name"),
            ("SERVES", lambda row: _served(session, row)),
            ("REVISION", "number"),
            ("REVISION ID", "revision"),
            ("CREATED", lambda row: phrases.ago(row["created_at"])),
        ],
        "No endpoint yet. Make one with `pileus endpoint create NAME --model MODEL:NUMBER`.",
    )


@app.command("show", cls=Command)
def show(context: typer.Context, name: Name) -> None:
    """Show an endpoint and what it serves."""
    session = Session.of(context)
    found = session.client.endpoints.get(name)
    endpoint, revisions = found["endpoint"], found["revisions"]
    gateway = session.client.gateway_url
    by = session.people.name
    session.output.show(
        found,
        lambda console: fields(
            console,
            [
                ("endpoint", endpoint["name"]),
                ("id", endpoint["id"]),
                *(
                    (f"revision {one['number']}", _said(one, by(one["created_by"])))
                    for one in revisions
                ),
                ("created", phrases.ago(endpoint["created_at"])),
                ("url", gateway and f"{gateway}/v2/models/{name}/infer"),
            ],
        ),
    )


@app.command("update", cls=Command)
def update(context: typer.Context, name: Name, model: Model) -> None:
    """Serve another model version at the same address."""
    session = Session.of(context)
    endpoint = session.client.endpoints.update(name, model)
    _wait(session, endpoint)
    session.output.show(
        endpoint,
        lambda _: session.output.say(
            f"Endpoint {name} now serves {_served(session, endpoint)}, revision {endpoint['number']}"
        ),
    )


@app.command("delete", cls=Command)
def delete(context: typer.Context, name: Name, now: Now = False, yes: Yes = False) -> None:
    """Stop answering at NAME; what it answered keeps its lineage."""
    session = Session.of(context)
    call = partial(session.client.endpoints.delete, name)
    delete_for(session, f"endpoint {name}", call, now=now, yes=yes)


def _served(session: Session, endpoint: Mapping[str, Any]) -> str:
    """The model version behind an endpoint: what is served when only a model was named."""
    revisions = session.client.endpoints.get(endpoint["name"])["revisions"]
    return next((_model(one) for one in revisions if one["id"] == endpoint["revision"]), "")


def _said(revision: Mapping[str, Any], by: str) -> str:
    return f"{_model(revision)}  {revision['id']}  {phrases.ago(revision['created_at'])} by {by}"


def _model(revision: Mapping[str, Any]) -> str:
    return f"{revision['model']}:{revision['model_number']}"


def _wait(session: Session, endpoint: Mapping[str, Any]) -> None:
    from pileus.cli.serving import wait_until_served  # start-up time

    if not wait_until_served(session.client, endpoint["name"], endpoint["revision"]):
        session.output.note("[yellow]The gateway does not serve it yet;[/] see `pileus status`.")
