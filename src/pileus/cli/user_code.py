"""What `pileus run` sends along: the folder that a script is in, or that was named."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from pileus.core.errors import InvalidRequest

if TYPE_CHECKING:
    from pileus.cli.session import Session


_ENVIRONMENT_FILES = ("uv.lock", "pyproject.toml", "requirements.txt")


class Program(NamedTuple):
    """A command, and the folder whose files it finds in its working directory."""

    command: tuple[str, ...]
    folder: Path | None


def program_of(command: list[str], code: Path | None) -> Program:
    """`script.py ARGS` is run by Python with the files of `code`, else of the current folder.

    Raises InvalidRequest for a script that is not in it.
    """
    folder = code or Path()
    script = PurePosixPath(command[0])
    if script.suffix != ".py" or script.is_absolute() or not (folder / script).is_file():
        return Program(tuple(command), code)
    if ".." in script.parts:
        raise InvalidRequest(
            f"Script {command[0]!r} is not in the folder {str(folder.resolve())!r}",
            hint="Name the folder that it is in: pileus run --code DIR script.py.",
        )
    return Program(("python", *command), folder)


def environment_of(program: Program, chosen: str) -> tuple[Program, str]:
    """The file that says what to install, as a path in the program's folder.

    `auto` is the first there is of uv.lock, pyproject.toml and requirements.txt; without a folder,
    that of the file is taken. Raises InvalidRequest.
    """
    folder = program.folder
    if chosen == "auto":
        folder = folder or Path()
        for name in _ENVIRONMENT_FILES:
            if (folder / name).is_file():
                return program._replace(folder=folder), name
        raise InvalidRequest(
            f"{str(folder.resolve())!r} has none of {', '.join(_ENVIRONMENT_FILES)}",
            hint="Name the file: --environment FILE.",
        )
    file = Path(chosen) if Path(chosen).is_file() or folder is None else folder / chosen
    folder = folder or file.parent
    if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
        raise InvalidRequest(
            f"{chosen!r} is not a file of the folder {str(folder.resolve())!r}",
            hint="It goes along with the code: put it there, or name its folder with --code.",
        )
    return program._replace(folder=folder), file.resolve().relative_to(folder.resolve()).as_posix()


def take(session: Session, folder: Path, *, include_secrets: bool) -> str:
    """Id of the folder's snapshot; tells what was left out of it."""
    taken = session.client.code.take(folder, include_secrets=include_secrets)
    if taken.secrets:
        from rich.markup import escape  # start-up time

        session.output.note(
            f"[yellow]Note:[/] left out, as it may hold secrets:"
            f" {escape(', '.join(taken.secrets))} (--include-secrets takes it along)"
        )
    return taken.id
