"""`pileus run`: a command or a script as a job."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pileus.cli import resources
from pileus.cli.estimates import DryRun, show_estimate
from pileus.cli.pairs import pair
from pileus.cli.secrets import secrets
from pileus.cli.session import Session
from pileus.cli.user_code import environment_of, program_of, take


def run(
    context: typer.Context,
    command: Annotated[
        list[str], typer.Argument(help="Program or script.py, and arguments; no shell.")
    ],
    code: Annotated[
        Path | None,
        typer.Option(help="Folder whose files COMMAND finds in its working directory."),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|auto",
            help="What to install: a requirements.txt, pyproject.toml or uv.lock of the code.",
        ),
    ] = None,
    include_secrets: Annotated[
        bool, typer.Option("--include-secrets", help="Take .env and the like along with the code.")
    ] = False,
    input_: Annotated[
        list[str] | None,
        typer.Option("--input", help="Dataset to place in ../inputs/NAME: NAME=DATASET."),
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", help="Variable of the command: NAME=VALUE.")
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option("--secret", help="Secret as a variable: NAME, or NAME=VARIABLE. Repeatable."),
    ] = None,
    secret_file: Annotated[
        list[str] | None,
        typer.Option(
            "--secret-file",
            help="Secret as a file, below $PILEUS_ATTEMPT_SECRETS_DIR: NAME[=FILE].",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the job.")] = None,
    cpu: resources.Cpu = 1.0,
    memory: resources.Memory = "512m",
    disk: resources.Disk = None,
    gpu: resources.Gpu = None,
    resource: resources.Custom = None,
    gang: Annotated[
        int,
        typer.Option(
            min=1, help="So many of it start together, each with these resources, or none does."
        ),
    ] = 1,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="No network; only its inputs and its own directory.")
    ] = False,
    timeout_seconds: Annotated[
        float | None, typer.Option(help="Stop an attempt after this long.")
    ] = None,
    max_attempts: Annotated[int, typer.Option(min=1, help="Tries in all.")] = 3,
    priority: Annotated[int, typer.Option(help="Higher goes first.")] = 0,
    needs: Annotated[
        list[str] | None, typer.Option(help="Id of a job that ends before; repeatable.")
    ] = None,
    needs_on: Annotated[
        str, typer.Option(help="Which ends of needs let it run: success or any.")
    ] = "success",
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Take the result of an equal job that succeeded.")
    ] = False,
    dry_run: DryRun = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return at once; do not wait for the end.")
    ] = False,
) -> None:
    """Run COMMAND as a job, as in `pileus run --cpu 2 -- du -sh /data`.

    A script of the current folder, as in `pileus run train.py --epochs 3`, takes the folder's files
    along, less what .gitignore says; `--code DIR` those of another folder, for any command.
    Its output is printed as it comes. Options of Pileus stand before COMMAND.
    """
    session = Session.of(context)
    program, environment_file = program_of(command, code), None
    if environment is not None:
        program, environment_file = environment_of(program, environment)
    spec: dict[str, Any] = {
        "kind": "command",
        "command": program.command,
        "env": dict(pair(text, "--env") for text in env or ()),
        "secrets": secrets(secret or (), secret_file or ()),
        "inputs": [
            {"name": inner, "dataset": dataset}
            for inner, dataset in (pair(text, "--input") for text in input_ or ())
        ],
        "name": name,
        "resources": resources.resources(cpu, memory, gpu, resource, disk),
        "gang": gang,
        "sandbox": sandbox,
        "timeout_seconds": timeout_seconds,
        "max_attempts": max_attempts,
        "priority": priority,
        "needs": needs or [],
        "needs_on": needs_on,
        "reuse": reuse,
    }
    if dry_run:
        show_estimate(session, spec)
        return
    if program.folder is not None:
        spec["code"] = take(session, program.folder, include_secrets=include_secrets)
        spec["environment_file"] = environment_file
    job = session.client.jobs.submit(spec)
    if detach:
        session.output.show(job, lambda _: session.output.say(job["id"]))
        return
    _follow(session, job)


def _follow(session: Session, job: Any) -> None:  # noqa: ANN401  a document
    from pileus.cli import following  # start-up time
    from pileus.cli.commands.job_logs import print_logs  # start-up time

    session.output.note(f"[dim]Job {job['id']}[/]")
    if job["spec"]["gang"] > 1:
        session.output.note(
            f"[dim]Rank 0 follows; another: pileus job logs {job['id']} --rank 1[/]"
        )
    identifier = job["id"]
    with following.leaving_it_running(session, identifier):
        following.wait_for_start(session, identifier)
        if not session.json:
            print_logs(session, identifier)
        ended = session.client.jobs.wait(identifier)
    following.raise_unless_succeeded(session, ended, is_told=True)
    if session.json:
        session.output.write_json(ended)
