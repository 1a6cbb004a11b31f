"""The global options, accepted before, inside and after the names of group and command."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from pileus.cli.session import Session

_PANEL = "Global options"

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Home of the installation.", rich_help_panel=_PANEL),
]
Project = Annotated[
    str | None, typer.Option("--project", help="Project to work in.", rich_help_panel=_PANEL)
]
Url = Annotated[
    str | None, typer.Option("--url", help="URL of the server.", rich_help_panel=_PANEL)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON value, last.", rich_help_panel=_PANEL)
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show tracebacks of errors.", rich_help_panel=_PANEL)
]

Limit = Annotated[
    int | None,
    typer.Option(min=1, help="How many at most.", show_default="50; all with --json"),
]

_MOST = 50
"""Items of a list that only grows, when a person did not say how many."""


def most(session: Session, limit: int | None) -> int | None:
    """How many items of a list that only grows to show; None for all."""
    return limit if limit is not None or session.json else _MOST


class Command(TyperCommand):
    """A command that also takes the global options."""

    def __init__(self, *args: Any, params: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, params=_with_global(params), **kwargs)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  Typer keeps the type of a context private
        _adopt(ctx)
        return super().invoke(ctx)


class Group(TyperGroup):
    """A group of commands, such as `pileus job`, that also takes the global options."""

    def __init__(self, *args: Any, params: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, params=_with_global(params), **kwargs)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  see Command
        _adopt(ctx)
        return super().invoke(ctx)


def _with_global(params: list[Any]) -> list[Any]:
    taken = {param.name for param in params}
    return [*params, *(param for param in _global_params() if param.name not in taken)]


def _adopt(context: Any) -> None:  # noqa: ANN401  see Command
    own = {param.name for param in _global_params()}
    session: Session = context.obj
    session.adopt({name: context.params.pop(name) for name in own & context.params.keys()})


def _options(
    home_option: Home = None,
    project_option: Project = None,
    url_option: Url = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """The signature that the options are made from."""


@cache
def _global_params() -> list[Any]:
    declared = typer.Typer(add_completion=False)
    declared.command()(_options)
    return typer.main.get_command(declared).params
