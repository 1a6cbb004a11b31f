"""What a client reads in the home of an installation on this machine: ports and tokens."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pileus.core.errors import NotAllowed, NotAuthenticated, Unavailable

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  not a bind


def token_of(home: Path, project: str) -> str:
    """The token that `home` keeps for `project`. Raises NotAuthenticated, NotAllowed."""
    tokens = _document(home / "run" / "tokens.json")
    token = tokens.get(project)
    if not token:
        known = ", ".join(map(repr, sorted(tokens))) or "none"
        raise NotAuthenticated(
            f"No token for project {project!r} in {str(home)!r}; tokens there: {known}",
            hint="Name another one with --project, or give a token in PILEUS_TOKEN.",
        )
    return str(token)


def addresses(home: Path) -> dict[str, str]:
    """Name of a process → URL. Raises Unavailable when the installation is not running."""
    ports = _document(home / "run" / "ports.json")
    supervisor = _document(home / "run" / "pids.json").get("supervisor")
    if "server" not in ports or (supervisor is not None and not _lives(int(supervisor))):
        raise Unavailable(
            f"Pileus is not running in {str(home)!r}",
            hint=f"Start it with `pileus up{_option(home)}`.",
        )
    host = str(ports.pop("host", "127.0.0.1"))
    return {name: address(host, int(port)) for name, port in ports.items() if port is not None}


def address(host: str, port: int) -> str:
    """URL at which a process bound to `host` answers on this machine."""
    host = _EVERY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _option(home: Path) -> str:
    return "" if home == Path("~/.pileus").expanduser() else f" --home {home}"


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        raise NotAllowed(
            f"{str(path)!r} belongs to somebody else",
            hint="Run as the user who started Pileus, or give PILEUS_URL and PILEUS_TOKEN.",
        ) from error
    except ValueError as error:
        raise Unavailable(
            f"{str(path)!r} is not valid JSON: {error}",
            hint="Restart with `pileus down` and `pileus up`.",
        ) from error
    return document if isinstance(document, dict) else {}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's process
        return True
    return True
