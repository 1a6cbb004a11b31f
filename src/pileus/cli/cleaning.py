"""Reads the spec of a transform, follows its job, and says what it did."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pileus.cli.following import follow_training, raise_unless_succeeded
from pileus.core.errors import InvalidRequest

if TYPE_CHECKING:
    from pileus.cli.session import Session
    from pileus.sdk.api import Document

STDIN = "-"
_REPORT = "report.json"


class SpecUnreadable(InvalidRequest, code="spec_unreadable"):
    """A spec that is not there, or neither TOML nor JSON."""


def read_spec(source: str) -> dict[str, Any]:
    """The document in a file, or on stdin. Raises SpecUnreadable."""
    try:
        text = sys.stdin.read() if source == STDIN else Path(source).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SpecUnreadable(
            f"Spec {source!r} cannot be read: {reason}",
            hint="Give a TOML or JSON file, or - for stdin.",
        ) from error
    try:
        is_json = text.lstrip().startswith("{")
        document = json.loads(text) if is_json else tomllib.loads(text)
        json.dumps(document, allow_nan=False)
    except (ValueError, TypeError) as error:  # TypeError: a date of TOML, which JSON has not
        raise SpecUnreadable(
            f"Spec {source!r} is neither TOML nor JSON: {error}",
            hint='Dates are texts; see "Clean" in the guide to datasets for an example.',
        ) from error
    found: dict[str, Any] = document
    return found


def completed(
    transform: dict[str, Any], steps: list[dict[str, Any]], seed: int | None
) -> dict[str, Any]:
    """A spec with the steps and the seed that options added. Raises InvalidRequest for none."""
    given = transform.get("steps", [])
    if not isinstance(given, list):
        raise InvalidRequest(
            f"'steps' is {given!r}, not a list", hint='Begin each step with [[steps]], step = "…".'
        )
    if not given and not steps and "expect" not in transform:
        raise InvalidRequest(
            "There is nothing to do",
            hint="Give a SPEC, or options such as --drop-duplicates --impute median.",
        )
    document = transform | {"steps": [*given, *steps]}
    return document if seed is None else document | {"seed": seed}


def expectations_of(transform: dict[str, Any]) -> dict[str, Any]:
    """A spec without its steps. Raises InvalidRequest when nothing is expected."""
    if not transform.get("expect"):
        raise InvalidRequest(
            "The spec expects nothing",
            hint="Write expectations such as [expect.columns.age] and min = 0.",
        )
    return {"expect": transform["expect"]}


def size_of(text: str) -> dict[str, int]:
    """`32x24` as width and height. Raises InvalidRequest."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None:
        raise InvalidRequest(f"{text!r} is not a size", hint="Write WIDTHxHEIGHT, such as 32x32.")
    return {"width": int(match[1]), "height": int(match[2])}


def run(
    session: Session,
    name: str,
    transform: dict[str, Any],
    *,
    detach: bool,
    **spec: Any,
) -> None:
    """Submit a transform and follow it to its end. Raises JobDidNotSucceed."""
    job = session.client.datasets.clean(name, transform, **spec)
    if detach:
        session.output.show(job, lambda _: session.output.say(job["id"]))
        return
    session.output.say(f"[dim]Job[/] {job['id']}")
    job = follow_training(session, job)
    raise_unless_succeeded(session, job)
    if session.json:
        session.output.write_json(job)
        return
    _say(session, job)


def _say(session: Session, job: Document) -> None:
    steps = json.loads(session.client.jobs.artifact(job["id"], _REPORT))["steps"]
    if steps:
        session.output.table(
            [{**entry, "step": entry["step"]["step"]} for entry in steps],
            [
                ("STEP", "step"),
                ("ROWS IN", "rows_in"),
                ("ROWS OUT", "rows_out"),
                ("CHANGED", "changed"),
            ],
            "",
        )
    spec, summary = job["spec"], job["summary"]
    if spec["transform"].get("expect"):
        session.output.say("[bold green]All expectations hold[/]")
    made = summary.get("version")
    if made is None:
        session.output.say("[dim]No version was made, as asked.[/]")
        return
    into = spec["into"]
    versions = session.client.datasets.versions(into)
    version = next((one for one in versions if one["id"] == made), None)
    number = "" if version is None else f"@{version['number']}"
    is_new = version is not None and version.get("job") == job["id"]
    found = "is" if is_new else "has the content already that is"
    session.output.say(f"[bold green]Succeeded[/]  {into}{number} {found} {made}")
