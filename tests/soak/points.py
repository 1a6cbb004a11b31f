"""The failpoints of the source, by reading it."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src" / "pileus"


def failpoints() -> dict[str, Path]:
    """Name → file of every `failpoint("…")`."""
    found: dict[str, Path] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "failpoint":
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{path}: a failpoint's name is a literal"
                assert str(name.value) not in found, f"{name.value!r} names two places"
                found[str(name.value)] = path
    return found
