"""Whether command line, running server, nodes, home and database are of one version."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pileus import __version__
from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene
from pileus.cli.home import SCHEMA

_RESTART = "Restart it with `pileus down` and `pileus up`."


def check(scene: Scene) -> Iterator[Finding]:
    yield Finding.ok("version", f"This is Pileus {__version__}")
    server = scene.try_ask("server", "/api/v1/health")
    if server is not None:
        yield _compared("server version", "The server", str(server.document.get("version")))
    nodes = scene.try_ask("server", "/api/v1/nodes")
    for node in nodes.document.get("items", ()) if nodes else ():
        if node.get("version"):
            yield _compared(
                "worker version", f"The worker of node {node['name']}", str(node["version"])
            )
    yield _home(scene)


def _compared(name: str, who: str, version: str) -> Finding:
    if version != __version__:
        return Finding.warn(name, f"{who} is of version {version}, this is {__version__}", _RESTART)
    return Finding.ok(name, f"{who} is of the same version")


def _home(scene: Scene) -> Finding:
    path = scene.home.path / "home.json"
    if not path.exists():
        return Finding.skip(
            "home version", f"There is no installation in {scene.home.path}; `pileus up` makes one"
        )
    try:
        schema = int(json.loads(path.read_text(encoding="utf-8"))["schema"])
    except (ValueError, KeyError, TypeError) as error:
        hint = f'Write {{"schema": {SCHEMA}}} into it.'
        return Finding.fail("home version", f"{str(path)!r} is damaged: {error}", hint)
    if schema > SCHEMA:
        return Finding.fail(
            "home version",
            f"The home has layout {schema}; this version reads up to {SCHEMA}",
            "Upgrade with `pip install --upgrade pileus`.",
        )
    return Finding.ok("home version", f"The home has layout {schema}")
