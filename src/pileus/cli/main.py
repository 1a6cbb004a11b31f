"""The command line's entry: the command tree, and how errors leave the process."""

import os
import sys
from copy import copy
from typing import Annotated, Any, NoReturn

import typer

from pileus.cli import options
from pileus.cli.commands import (
    audit,
    backup,
    bill,
    dataset,
    deletion,
    doctor,
    down,
    endpoint,
    gateway,
    job,
    key,
    lineage,
    logs,
    member,
    model,
    node,
    pipeline,
    predict,
    price,
    project,
    quickstart,
    quota,
    records,
    restore,
    run,
    schedule,
    secret,
    server,
    status,
    token,
    train,
    up,
    why,
    worker,
)
from pileus.cli.failures import fail, fail_by_bug
from pileus.cli.options import Command, Group
from pileus.cli.session import Session
from pileus.core.errors import InvalidRequest, PileusError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect: 128 + SIGINT."""

app = typer.Typer(
    name="pileus",
    help="The AI cloud you own: from raw data to a billed prediction.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_SYSTEM, _WORK, _SERVE, _PEOPLE = "System", "Data and jobs", "Models and predictions", "People"


def _version(given: bool) -> None:
    if given:
        from pileus import __version__  # only this option needs it

        sys.stdout.write(f"pileus {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    home_option: options.Home = None,
    project_option: options.Project = None,
    url_option: options.Url = None,
    json: options.Json = False,
    debug: options.Debug = False,
    version: Annotated[  # noqa: ARG001  its callback answers
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    Session.of(context).adopt(
        {
            "home_option": home_option,
            "project_option": project_option,
            "url_option": url_option,
            "json": json,
            "debug": debug,
        }
    )


for _name, _function, _panel in (
    ("quickstart", quickstart.quickstart, _SYSTEM),
    ("up", up.up, _SYSTEM),
    ("down", down.down, _SYSTEM),
    ("status", status.status, _SYSTEM),
    ("restore", restore.restore, _SYSTEM),
    ("logs", logs.logs, _SYSTEM),
    ("doctor", doctor.doctor, _SYSTEM),
    ("server", server.server, _SYSTEM),
    ("gateway", gateway.gateway, _SYSTEM),
    ("worker", worker.worker, _SYSTEM),
    ("train", train.train, _WORK),
    ("run", run.run, _WORK),
    ("predict", predict.predict, _SERVE),
    ("lineage", lineage.lineage, _SERVE),
    ("why", why.why, _WORK),
    ("bill", bill.bill, _PEOPLE),
    ("deleted", deletion.deleted, _PEOPLE),
    ("undelete", deletion.undelete, _PEOPLE),
    ("collect", deletion.collect, _SYSTEM),
):
    app.command(
        _name,
        cls=Command,
        rich_help_panel=_panel,
        context_settings={"allow_interspersed_args": _name != "run"},
    )(_function)

for _name, _group, _panel in (
    ("dataset", dataset.app, _WORK),
    ("job", job.app, _WORK),
    ("pipeline", pipeline.app, _WORK),
    ("schedule", schedule.app, _WORK),
    ("model", model.app, _SERVE),
    ("endpoint", endpoint.app, _SERVE),
    ("records", records.app, _SERVE),
    ("price", price.app, _PEOPLE),
    ("project", project.app, _PEOPLE),
    ("quota", quota.app, _PEOPLE),
    ("node", node.app, _SYSTEM),
    ("member", member.app, _PEOPLE),
    ("token", token.app, _PEOPLE),
    ("key", key.app, _PEOPLE),
    ("secret", secret.app, _PEOPLE),
    ("audit", audit.app, _PEOPLE),
):
    app.add_typer(_group, name=_name, cls=Group, rich_help_panel=_panel, no_args_is_help=True)
app.add_typer(
    backup.app,
    name="backup",
    cls=backup.BackupGroup,
    rich_help_panel=_SYSTEM,
    no_args_is_help=True,
)


def main() -> NoReturn:
    """Run the command of this process's arguments and exit."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command; the exit code. Only `--debug` lets a traceback through."""
    session = Session()
    try:
        command: Any = typer.main.get_command(_branch(arguments))
        code = command.main(arguments, prog_name="pileus", standalone_mode=False, obj=session)
    except PileusError as error:
        return fail(session, error)
    except typer.TyperException as error:
        session.json = session.json or "--json" in _before_the_users_own(arguments)
        return _misused(session, error)
    except typer.Abort:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  the border of the process
        return fail_by_bug(session, error)
    finally:
        session.close()
    return code if isinstance(code, int) else 0


def _branch(arguments: list[str]) -> typer.Typer:
    """The tree with nothing but the branch that is asked for: to build all takes 0.1 s."""
    first = arguments[0] if arguments else ""
    commands = [one for one in app.registered_commands if one.name == first]
    groups = [one for one in app.registered_groups if one.name == first]
    if not commands and not groups:
        return app
    branch = copy(app)
    branch.registered_commands, branch.registered_groups = commands, groups
    return branch


def _before_the_users_own(arguments: list[str]) -> list[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _misused(session: Session, error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined]
        return error.exit_code
    path = context.command_path if context is not None else "pileus"
    fail(session, InvalidRequest(error.format_message(), hint=f"See `{path} --help`."))
    return error.exit_code
