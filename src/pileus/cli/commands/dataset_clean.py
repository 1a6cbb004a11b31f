"""`pileus dataset clean` and `check`: jobs that make a better version of data, or judge one."""

from typing import Annotated, Literal

import typer

from pileus.cli import resources
from pileus.cli.session import Session

_STEPS = "Steps"

Name = Annotated[
    str, typer.Argument(help="Dataset: NAME for its newest version, NAME@dsv_… or dsv_…")
]
Detach = Annotated[
    bool, typer.Option("--detach", "-d", help="Return at once; do not wait for the end.")
]


def clean(
    context: typer.Context,
    name: Name,
    spec: Annotated[
        str | None, typer.Argument(help="Steps and expectations: a TOML or JSON file, or - .")
    ] = None,
    into: Annotated[
        str | None, typer.Option(help="Dataset that the result becomes a version of.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what each step would do; make no version.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of splits and hashes.")] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Drop this column.", rich_help_panel=_STEPS),
    ] = None,
    drop_texts: Annotated[
        bool, typer.Option("--drop-texts", help="Drop columns of text.", rich_help_panel=_STEPS)
    ] = False,
    drop_duplicates: Annotated[
        bool,
        typer.Option("--drop-duplicates", help="Keep the first of equals.", rich_help_panel=_STEPS),
    ] = False,
    drop_missing: Annotated[
        bool,
        typer.Option(
            "--drop-missing", help="Drop rows with a missing cell.", rich_help_panel=_STEPS
        ),
    ] = False,
    impute: Annotated[
        Literal["mean", "median", "most_frequent"] | None,
        typer.Option(help="Fill missing cells.", rich_help_panel=_STEPS),
    ] = None,
    clip: Annotated[
        Literal["quantile", "iqr", "zscore"] | None,
        typer.Option(help="Bring outliers to a bound.", rich_help_panel=_STEPS),
    ] = None,
    normalise: Annotated[
        Literal["standard", "minmax", "robust"] | None,
        typer.Option(help="Bring numbers to one scale.", rich_help_panel=_STEPS),
    ] = None,
    resize: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Give images this size, such as 32x32.", rich_help_panel=_STEPS
        ),
    ] = None,
    grey: Annotated[
        bool, typer.Option("--grey", help="Make images grey.", rich_help_panel=_STEPS)
    ] = False,
    cpu: resources.Cpu = 1.0,
    memory: resources.Memory = "1g",
    detach: Detach = False,
) -> None:
    """Make a cleaned version of dataset NAME; statistics come from its training part alone.

    Steps of SPEC come first, then those of the options. A SPEC, in JSON here, says what to do and
    what must hold of the result: {"seed": 0, "steps": [{"step": "split", "how": "grouped", "by":
    "patient"}, {"step": "impute", "using": "median"}], "expect": {"columns": {"age": {"min": 0}}}}
    """
    from pileus.cli import cleaning  # start-up time

    session = Session.of(context)
    transform = {} if spec is None else cleaning.read_spec(spec)
    options = {
        "drop_columns": {"columns": drop or [], "texts": drop_texts}
        if drop or drop_texts
        else None,
        "drop_duplicates": {} if drop_duplicates else None,
        "drop_missing": {} if drop_missing else None,
        "impute": None if impute is None else {"using": impute},
        "clip": None if clip is None else {"by": clip},
        "normalise": None if normalise is None else {"by": normalise},
        "resize": None if resize is None else cleaning.size_of(resize),
        "grey": {} if grey else None,
    }
    added = [{"step": step} | found for step, found in options.items() if found is not None]
    cleaning.run(
        session,
        name,
        cleaning.completed(transform, added, seed),
        detach=detach,
        into=into,
        dry_run=dry_run,
        resources=resources.resources(cpu, memory, None, None),
    )


def check(
    context: typer.Context,
    name: Name,
    spec: Annotated[
        str, typer.Argument(help="A TOML or JSON file with expectations under `expect`, or - .")
    ],
    cpu: resources.Cpu = 1.0,
    memory: resources.Memory = "1g",
    detach: Detach = False,
) -> None:
    """Check that the expectations of SPEC hold of dataset NAME as it is; make no version."""
    from pileus.cli import cleaning  # start-up time

    session = Session.of(context)
    transform = cleaning.expectations_of(cleaning.read_spec(spec))
    cleaning.run(
        session,
        name,
        transform,
        detach=detach,
        dry_run=True,
        resources=resources.resources(cpu, memory, None, None),
    )
