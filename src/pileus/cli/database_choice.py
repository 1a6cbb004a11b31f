"""Which database the rows of a restored home go to, and the setting that says so from then on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pileus.core import settings
from pileus.core.errors import InvalidRequest

SQLITE = "sqlite"
"""What a person writes for the database in the home itself."""

_HEADER = re.compile(r"\s*\[\s*(?P<name>[A-Za-z_]+)\s*\]")
_KEY = re.compile(r"\s*database_url\s*=")


def database_of(home: Path) -> str:
    """URL of the database that a home uses."""
    stated = settings.find("server", "database_url", home)
    return str(stated) if stated else f"sqlite:///{home / 'state' / 'pileus.db'}"


def choose_database(home: Path, wanted: str | None) -> str:
    """URL of the database that `home` will use; `wanted` goes into its settings."""
    if wanted is None:
        return database_of(home)
    if wanted != SQLITE and not wanted.startswith("postgresql"):
        raise InvalidRequest(
            f"{wanted!r} is no database that Pileus can use",
            hint=f"Write {SQLITE!r} for the home's own, or postgresql+psycopg://USER@HOST/NAME.",
        )
    path = home / settings.FILE_NAME
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    changed = _with_database(text, None if wanted == SQLITE else wanted)
    if changed != text:
        path.write_text(changed, encoding="utf-8")
        path.chmod(0o600)
    return database_of(home)


def _with_database(text: str, url: str | None) -> str:
    section, lines, is_stated = "", [], url is None
    for line in text.splitlines():
        if header := _HEADER.match(line):
            section = header["name"]
        if section == "server" and _KEY.match(line):
            continue
        lines.append(line)
        if header and section == "server" and not is_stated:
            lines.append(f'database_url = "{url}"')
            is_stated = True
    if not is_stated:
        lines += ["[server]", f'database_url = "{url}"']
    changed = "".join(f"{line}\n" for line in lines)
    if tomllib.loads(changed).get("server", {}).get("database_url") != url:
        raise InvalidRequest(
            f"The database cannot be changed in {settings.FILE_NAME!r} of the backup",
            hint="Restore without --database-url, then change server.database_url by hand.",
        )
    return changed
