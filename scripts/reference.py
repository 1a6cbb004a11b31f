"""
Writes docs/reference/ from the code: errors, settings, commands, routes, metrics.

`python scripts/reference.py` writes the pages; with `--check` it writes nothing and fails when a
page differs from the code. What a page says comes from docstrings, so that is where it is edited.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import itertools
import json
import pkgutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pileus

PAGES = Path(__file__).parents[1] / "docs" / "reference"
NOTE = "<!-- Written by scripts/reference.py from the code: edit the docstrings, not this page. -->"


def main(arguments: list[str] | None = None) -> int:
    """Write or check every page; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a page is out of date")
    check = parser.parse_args(arguments).check
    stale = [name for name in WRITERS if not _settle(name, check=check)]
    if stale:
        print(f"Out of date: {', '.join(stale)}. Run `make reference`.", file=sys.stderr)
    return 1 if stale else 0


def _settle(name: str, *, check: bool) -> bool:
    path = PAGES / name
    text = page(name)
    if check:
        return path.is_file() and path.read_text(encoding="utf-8") == text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def page(name: str) -> str:
    """The text that docs/reference/`name` should have."""
    title, body = WRITERS[name]()
    return f"# {title}\n\n{NOTE}\n\n{body.strip()}\n"


# --- errors


def errors() -> tuple[str, str]:
    """Every error, by family."""
    from pileus.core import status
    from pileus.core.errors import PileusError

    _import_everything()
    intro = """\
        Every answer that is not a success has the body

        ```json
        {"error": {"code": "…", "family": "…", "message": "…", "hint": "…", "request_id": "…"}}
        ```

        Match on `family`, or on `code` where you need to be exact; both are stable. `message` has the
        values in it, `hint` the next step. The command line prints both and exits with the family's
        code; 1 is a bug."""
    parts = [textwrap.dedent(intro)]
    for family, http in status.HTTP.items():
        parts.append(
            f"## {family.__name__}\n\n{_doc(family)}\n\n"
            f"`{family.code}` · HTTP {http} · exit code {status.EXIT[family]}"
        )
        members = [
            (f"`{code}`", _doc(error), f"`{error.__module__.split('.')[1]}`")
            for code, error in sorted(PileusError.by_code.items())
            if issubclass(error, family) and error.__module__.startswith("pileus.")
            if error is not family
        ]
        if members:
            parts.append(_table(("code", "meaning", "package"), members))
    return "Errors", "\n\n".join(parts)


# --- settings


def settings() -> tuple[str, str]:
    """Every section of settings."""
    from pileus.core.settings import SECTIONS, SHORT_NAMES

    intro = """\
        A value is taken from the command line if it is given there, else from the environment, else
        from `pileus.toml` in the home, else it is the default. The field `lease_seconds` of the section
        `jobs` is `PILEUS_JOBS__LEASE_SECONDS` in the environment and

        ```toml
        [jobs]
        lease_seconds = 30
        ```

        in the file. A name that does not exist refuses to start."""
    models = {
        model.__name__.removesuffix("Settings").lower(): model
        for module in _modules("settings")
        for model in _models_of(module)
    }
    parts = [textwrap.dedent(intro)]
    for section in SECTIONS:
        if section in models:
            parts.append(f"## {section}\n\n{_doc(models[section])}")
            parts.append(_table(("field", "default", "meaning"), _fields(models[section])))
    short = [
        (f"`{variable}`", f"`{section}.{field}`")
        for variable, (section, field) in SHORT_NAMES.items()
    ]
    parts.append("## Short names\n\nNames that are typed often:")
    parts.append(_table(("variable", "field"), short))
    return "Settings", "\n\n".join(parts)


def _models_of(module: ModuleType) -> Iterator[Any]:
    from pydantic import BaseModel

    for _, value in inspect.getmembers(module, inspect.isclass):
        is_own = value.__module__ == module.__name__ and value.__name__.endswith("Settings")
        if is_own and issubclass(value, BaseModel):
            yield value


def _fields(model: Any, prefix: str = "") -> Iterator[tuple[str, ...]]:  # noqa: ANN401  a pydantic model
    """Those of a table inside the section by their full names."""
    documented = _field_docstrings(model)
    for name, field in model.model_fields.items():
        if hasattr(type(field.default), "model_fields"):
            yield from _fields(type(field.default), f"{prefix}{name}.")
            continue
        text = documented.get(name) or field.description or ""
        yield f"`{prefix}{name}`", _default(field), text


def _default(field: Any) -> str:  # noqa: ANN401  a pydantic field
    if field.is_required():
        return "required"
    # What a factory makes may differ between machines, and this page may not.
    return "computed" if field.default_factory else f"`{_shown(field.default)}`"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return json.dumps(value) if isinstance(value, (bool, list, tuple)) else str(value)


def _field_docstrings(model: type) -> dict[str, str]:
    """Texts that stand below the fields of a class, which Python itself throws away."""
    found = {}
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, text in itertools.pairwise(statements):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[field.target.id] = inspect.cleandoc(str(text.value.value)).replace("\n", " ")
    return found


# --- commands


def commands() -> tuple[str, str]:
    """Every command, with its arguments and options."""
    import typer

    from pileus.cli.main import app

    root: Any = typer.main.get_command(app)
    everywhere = {option for param in root.params for option in param.opts}
    parts = [
        root.help or "",
        "## Global options\n\nAccepted before and after the name of a command.",
        _table(("option", "meaning"), _options(root, set())),
    ]
    for path, command in _commands(root, "pileus"):
        usage = " ".join([path, *_arguments(command)])
        parts.append(f"## {path}\n\n{inspect.cleandoc(command.help or '')}")
        parts.append(f"```text\n{usage} [OPTIONS]\n```")
        options = list(_options(command, everywhere))
        if options:
            parts.append(_table(("option", "meaning"), options))
    return "Commands", "\n\n".join(part for part in parts if part)


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  Typer's own
    for name, child in sorted(getattr(command, "commands", {}).items()):
        if getattr(child, "hidden", False):
            continue
        if hasattr(child, "commands"):
            yield from _commands(child, f"{path} {name}")
        else:
            yield f"{path} {name}", child


def _arguments(command: Any) -> Iterator[str]:  # noqa: ANN401  Typer's own
    for param in command.params:
        if param.param_type_name == "argument":
            name = (param.metavar or param.name).upper()
            name = f"{name}..." if param.nargs == -1 else name
            yield name if param.required else f"[{name}]"


def _options(command: Any, known: set[str]) -> Iterator[tuple[str, str]]:  # noqa: ANN401  Typer's own
    for param in command.params:
        if param.param_type_name != "option" or param.hidden or known & set(param.opts):
            continue
        spelling = ", ".join(f"`{option}`" for option in [*param.opts, *param.secondary_opts])
        default = param.default
        is_shown = not param.is_flag and default not in {None, ""} and not callable(default)
        text = (param.help or "").rstrip()
        yield spelling, f"{text} Default: `{_shown(default)}`." if is_shown else text


# --- routes


def routes() -> tuple[str, str]:
    """Every route of the server, from its OpenAPI document."""
    document = _openapi()
    intro = """\
        The server listens on port 7070. Every request needs `Authorization: Bearer TOKEN`, except the
        health route. Lists take `limit`, `cursor` and `filter=field=value,…` and answer
        `{"items": […], "next": cursor or null}`. Creates take an `Idempotency-Key`: the same key gives the
        same answer. `X-Request-Id` is taken from the request, or made, and sent back. Errors are
        [listed here](errors.md). Predictions are asked of the gateway, as
        [the guide](../guides/serve.md) describes."""
    parts = [textwrap.dedent(intro)]
    by_noun: dict[str, list[tuple[str, str, str]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            noun = (operation.get("tags") or [_noun(path)])[0]
            text = operation.get("description") or operation.get("summary") or ""
            row = (f"`{method.upper()}`", f"`{path}`", _one_line(text))
            by_noun.setdefault(noun, []).append(row)
    for noun, rows in sorted(by_noun.items()):
        parts.append(f"## {noun}")
        parts.append(_table(("method", "path", "meaning"), rows))
    return "API", "\n\n".join(parts)


def _noun(path: str) -> str:
    steps = [step for step in path.removeprefix("/api/v1/").split("/") if not step.startswith("{")]
    if not steps:
        return "server"
    return steps[1] if steps[0] == "projects" and len(steps) > 1 else steps[0]


def _openapi() -> Mapping[str, Any]:
    from pileus.server.api.app import create_app

    nothing: Any = None  # the application will answer nobody
    app = create_app(nothing, new_id=str, max_body_bytes=0)
    document: Mapping[str, Any] = app.openapi()
    return document


# --- metrics


def metrics() -> tuple[str, str]:
    """Every family that `/metrics` of a process tells."""
    from pileus.core.figures import PROCESS
    from pileus.gateway.figures import FAMILIES as GATEWAY
    from pileus.server.figures import FAMILIES as SERVER

    intro = """\
        Server and gateway answer `GET /metrics` in Prometheus' text format, to the token in
        `run/metrics.token` of the home, which may do nothing else, and to operators.
        [Operate](../guides/operate.md#metrics) has a scrape configuration. Labels have few values by
        design: no path, id of a request or name of a person is one."""
    parts = [textwrap.dedent(intro)]
    for title, families in (("Server", SERVER), ("Gateway", GATEWAY), ("Both", PROCESS)):
        rows = [
            (f"`{one.name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels), one.help)
            for one in sorted(families, key=lambda family: family.name)
        ]
        parts.append(f"## {title}\n\n{_table(('name', 'kind', 'labels', 'meaning'), rows)}")
    return "Metrics", "\n\n".join(parts)


# --- shared


def _import_everything() -> None:
    """Classes register themselves when their module is imported."""
    for _ in _modules():
        pass


def _modules(stem: str | None = None) -> Iterator[ModuleType]:
    """Every module of the product that can be imported here, or those of one file name."""
    for found in pkgutil.walk_packages(pileus.__path__, "pileus.", onerror=_report):
        last = found.name.rpartition(".")[-1]
        is_script = last == "__main__" or ".migrations" in found.name  # run by others, not imported
        if not is_script and stem in {None, last}:
            try:
                yield importlib.import_module(found.name)
            except ImportError as error:
                _report(f"{found.name}: {error}")


def _report(what: str) -> None:
    print(f"skipped {what}", file=sys.stderr)


def _doc(thing: type) -> str:
    return _one_line(inspect.getdoc(thing) or "")


def _one_line(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Any) -> str:  # noqa: ANN401  rows of text
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


WRITERS: dict[str, Callable[[], tuple[str, str]]] = {
    "errors.md": errors,
    "settings.md": settings,
    "cli.md": commands,
    "api.md": routes,
    "metrics.md": metrics,
}


if __name__ == "__main__":
    sys.exit(main())
