"""The global options, accepted before and after the name of a command."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

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


class Command(TyperCommand):
    """A command that also takes the global options."""

    def __init__(self, *args: Any, params: list[Any], **kwargs: Any) -> None:
        taken = {param.name for param in params}
        more = [param for param in _global_params() if param.name not in taken]
        super().__init__(*args, params=[*params, *more], **kwargs)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  Typer keeps the type of a context private
        own = {param.name for param in _global_params()}
        given = {name: ctx.params.pop(name) for name in own & ctx.params.keys()}
        session: Session = ctx.obj
        session.adopt(given)
        return super().invoke(ctx)


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
