"""`pileus quota`: what projects may hold at once, and what they lend each other."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from pileus.cli.options import Command
from pileus.cli.output import Row
from pileus.cli.quotas import amount_text, limits, resource_text
from pileus.cli.session import Session

app = typer.Typer(help="Quotas: how much each project may hold at once.")

Name = Annotated[str, typer.Argument(metavar="PROJECT", help="Name of the project.")]
Amounts = list[str] | None


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List quotas, and how much of each is used and borrowed."""
    session = Session.of(context)
    found = [dict(quota) for quota in session.client.quotas.list()]
    rows = [{**quota, **held} for quota in found for held in quota["resources"]]
    session.output.table(
        found if session.json else rows,
        [
            ("PROJECT", "name"),
            ("COHORT", lambda row: row["cohort"] or ""),
            ("RESOURCE", lambda row: resource_text(row["resource"])),
            ("NOMINAL", _amount("nominal")),
            ("USED", _amount("used")),
            ("BORROWED", _amount("borrowed")),
            ("MAY BORROW", _amount("borrowing")),
            ("LENDS", _amount("lending")),
            ("WEIGHT", "weight"),
            ("RECLAIM", "reclaim"),
            ("PREEMPT", "preempt"),
        ],
        "No project has a quota.",
    )


@app.command("set", cls=Command)
def set_(
    context: typer.Context,
    project: Name,
    cohort: Annotated[
        str | None, typer.Option(help="Lend to, and borrow from, the projects of this cohort.")
    ] = None,
    cpu: Annotated[float | None, typer.Option(min=0, help="Processors.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory, such as 512 or 64g.")] = None,
    gpu: Annotated[
        Amounts, typer.Option(help="GPUs, of any kind or of one: 4, h200:2. Repeatable.")
    ] = None,
    custom: Annotated[
        Amounts, typer.Option("--resource", help="A flavour: fpga=1. Repeatable.")
    ] = None,
    borrow: Annotated[
        Amounts,
        typer.Option(help="Borrow at most: cpu=100, memory=64g, gpu:h200=2; 100 for the only one."),
    ] = None,
    lend: Annotated[Amounts, typer.Option(help="Lend at most, written as for --borrow.")] = None,
    weight: Annotated[int, typer.Option(min=1, help="Part of what is borrowed.")] = 1,
    reclaim: Annotated[
        str, typer.Option(help="Within its quota, stop whose borrowed attempts: never, lower, any.")
    ] = "never",
    preempt: Annotated[
        str, typer.Option(help="Stop its own attempts of lower priority: never, lower.")
    ] = "never",
) -> None:
    """Set all of a project's quota; resources that are not named are not limited."""
    session = Session.of(context)
    terms: dict[str, Any] = {
        "cohort": cohort,
        "limits": limits(cpu, memory, gpu or [], custom or [], borrow or [], lend or []),
        "weight": weight,
        "reclaim": reclaim,
        "preempt": preempt,
    }
    quota = session.client.quotas.set(project, terms)
    session.output.show(quota, lambda _: session.output.say(_said(project, quota)))


@app.command("remove", cls=Command)
def remove(context: typer.Context, project: Name) -> None:
    """Remove a project's quota: it is not limited any more."""
    session = Session.of(context)
    session.client.quotas.remove(project)
    session.output.show(
        {"project": project}, lambda _: session.output.say(f"{project} is not limited any more")
    )


def _said(project: str, quota: Row) -> str:
    words = [
        f"{resource_text(resource)} {amount_text(resource, limit['nominal'])}"
        for resource, limit in quota["limits"].items()
    ]
    of = f" in cohort {quota['cohort']}" if quota["cohort"] else ""
    return f"{project} may hold {', '.join(words)}{of}"


def _amount(field: str) -> Callable[[Row], object]:
    def shown(row: Row) -> object:
        return "" if row[field] is None else amount_text(row["resource"], row[field])

    return shown
