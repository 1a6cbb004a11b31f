"""`pileus train`: a job that turns a dataset into a model."""

from typing import Annotated, Any

import typer

from pileus.cli import resources
from pileus.cli.estimates import DryRun, show_estimate
from pileus.cli.session import Session

_PANEL = "Recipe"

_FIGURES = {
    "accuracy": "accuracy",
    "f1_macro": "F1",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "r2": "R²",
    "untouched_rows": "untouched rows",
    "epochs": "epochs",
    "parity_max_abs_diff": "export differs by",
}
"""What the summary of a training says first, and how it is titled."""

_FORMATS = {"parity_max_abs_diff": ".1e"}


def train(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Argument(help="Dataset: NAME for its newest version, NAME@dsv_… or dsv_…")
    ],
    recipe: Annotated[str, typer.Option(help="What to train: cnn, mlp, …", rich_help_panel=_PANEL)],
    register: Annotated[
        str | None, typer.Option(help="Model that a success becomes a version of.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the job.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Parameter of the recipe, name=value.", rich_help_panel=_PANEL),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data.", rich_help_panel=_PANEL)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all randomness.", rich_help_panel=_PANEL)
    ] = None,
    cpu: resources.Cpu = 1.0,
    memory: resources.Memory = "2g",
    disk: resources.Disk = None,
    gpu: resources.Gpu = None,
    resource: resources.Custom = None,
    timeout_seconds: Annotated[
        float | None, typer.Option(help="Stop an attempt after this long.")
    ] = None,
    max_attempts: Annotated[int, typer.Option(min=1, help="Tries in all.")] = 3,
    priority: Annotated[int, typer.Option(help="Higher goes first.")] = 0,
    dry_run: DryRun = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return at once; do not wait for the end.")
    ] = False,
) -> None:
    """Train a model on DATASET and follow it to its end."""
    from pileus.cli.following import follow_training, raise_unless_succeeded  # start-up time

    session = Session.of(context)
    config = resources.settings_of(set_)
    config |= {k: v for k, v in (("epochs", epochs), ("seed", seed)) if v is not None}
    spec: dict[str, Any] = {
        "kind": "train",
        "recipe": recipe,
        "config": config,
        "dataset": dataset,
        "register": register,
        "name": name,
        "resources": resources.resources(cpu, memory, gpu, resource, disk),
        "timeout_seconds": timeout_seconds,
        "max_attempts": max_attempts,
        "priority": priority,
    }
    if dry_run:
        show_estimate(session, spec)
        return
    job = session.client.jobs.submit(spec)
    if detach:
        session.output.show(job, lambda _: session.output.say(job["id"]))
        return
    session.output.say(f"[dim]Job[/] {job['id']}")
    job = follow_training(session, job)
    raise_unless_succeeded(session, job)
    session.output.show(job, lambda _: _say(session, job, register))


def _say(session: Session, job: Any, register: str | None) -> None:  # noqa: ANN401  a document
    summary = job.get("summary", {})
    figures = [
        f"{title} {summary[name]:{_FORMATS.get(name, '.4g')}}"
        for name, title in _FIGURES.items()
        if name in summary
    ]
    session.output.say(f"[bold green]Succeeded[/]  {', '.join(figures)}")
    if register is not None:
        versions = session.client.models.versions(register)
        number = next((one["number"] for one in versions if one["job"] == job["id"]), None)
        made = register if number is None else f"{register}:{number}"
        session.output.say(
            f"[dim]Registered as[/] {made}[dim]; look with[/] pileus model show {made}"
        )
