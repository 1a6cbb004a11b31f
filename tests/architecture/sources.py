"""The product's source files, as the tests of its architecture read them."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"


@dataclass(frozen=True)
class Source:
    """One module of the product."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Path from `src/`, as failures print it."""
        return self.path.relative_to(SRC).as_posix()


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file below `src/`, in order."""
    read = [(path, path.read_text(encoding="utf-8")) for path in sorted(SRC.rglob("*.py"))]
    return tuple(Source(path, text, ast.parse(text)) for path, text in read)
