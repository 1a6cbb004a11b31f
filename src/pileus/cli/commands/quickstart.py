"""`pileus quickstart`: the whole of Pileus once, in a temporary home."""

from typing import Annotated

import typer

from pileus.cli.session import Session


def quickstart(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Option(help="Folder of class folders, or a sample.")
    ] = "sample:digits",
    seed: Annotated[int, typer.Option(help="Seed of split and training.")] = 0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the home, to look around in it.")
    ] = False,
) -> None:
    """From files to a billed prediction in a temporary home; removed at the end."""
    from pileus.cli.quickstart import story  # start-up time

    session = Session.of(context)
    story.tell(session.output, dataset, seed, keep=keep)
