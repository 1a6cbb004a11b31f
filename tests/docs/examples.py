"""The examples of the documentation: found in its pages, told apart, compared with what happens.

A fenced `console` or `python` block follows a comment that says what becomes of it:

    <!-- run: home -->             runs here, in the order of the pages, in one installation
    <!-- not run: REASON -->       is not run, and why

In a console block, lines that start with `$ ` are commands; the lines below a command are what it
prints. Ids and numbers may differ from run to run, words may not; a line `...` stands for any lines.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

STORY = (
    "README.md",
    "docs/index.md",
    "docs/guides/dataset.md",
    "docs/guides/train.md",
    "docs/guides/serve.md",
    "docs/guides/bill.md",
    "docs/guides/operate.md",
)
"""Pages whose examples build on one another, in reading order; the others follow by name."""

EXECUTABLE = {"console", "python"}
INERT = {"text", "toml", "yaml", "json", "markdown", ""}
"""Languages of blocks that show something and ask nobody to run it."""

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*$")
_TAG = re.compile(r"^\s*<!--\s*(?P<verb>run|not run):\s*(?P<what>.+?)\s*-->\s*$")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    text: str
    verb: str | None
    what: str | None

    @property
    def place(self) -> str:
        """Page and line, as an editor understands them."""
        return f"{self.page}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether its tag asks to run it."""
        return self.verb == "run"


@dataclass(frozen=True)
class Command:
    """A line typed at a prompt, and what the page says it prints."""

    text: str
    shown: tuple[str, ...]


def pages() -> list[str]:
    """Every page, in the order in which their examples run."""
    found = [path.relative_to(ROOT).as_posix() for path in sorted(DOCS.rglob("*.md"))]
    return [*STORY, *(page for page in found if page not in STORY)]


def blocks_of(page: str, text: str | None = None) -> list[Block]:
    """The fenced blocks of a page, with the tag of each."""
    content = (ROOT / page).read_text(encoding="utf-8") if text is None else text
    found: list[Block] = []
    lines = content.splitlines()
    tag: re.Match[str] | None = None
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        fence = _FENCE.match(line)
        if fence is None:
            if line.strip():
                tag = _TAG.match(line)
            continue
        start, indent = number, fence["indent"]
        while number < len(lines) and lines[number] != f"{indent}```":
            number += 1
        body = "\n".join(inner.removeprefix(indent) for inner in lines[start:number])
        verb, what = (tag["verb"], tag["what"]) if tag else (None, None)
        found.append(Block(page, start, fence["language"], body, verb, what))
        number += 1
        tag = None
    return found


def commands_of(block: Block) -> list[Command]:
    """Commands of a console block. A `\\` at the end of a line continues it."""
    found: list[Command] = []
    text: str | None = None
    shown: list[str] = []
    for line in block.text.splitlines():
        if text is not None and text.endswith("\\"):
            text = text[:-1] + line.strip()
        elif line.startswith("$ "):
            if text is not None:
                found.append(Command(text, tuple(shown)))
            text, shown = line[2:], []
        elif text is None:
            raise ValueError(f"{block.place}: output before the first command: {line!r}")
        elif line.strip():
            shown.append(line)
    if text is not None:
        found.append(Command(text, tuple(shown)))
    return found


def missing(shown: tuple[str, ...], printed: str) -> list[str]:
    """Lines that a page shows and the command did not print, in that order."""
    rest = iter([_stable(line) for line in printed.splitlines()])
    return [
        line
        for line in shown
        if line.strip() != "..." and not any(_stable(line) == actual for actual in rest)
    ]


def _stable(line: str) -> str:
    """What of a line is the same in every run: not ids, digests, numbers, days and column widths."""
    line = re.sub(r"\b([a-z]{2,4})_[0-9a-z]{16,}", r"\1_ID", line)
    line = re.sub(r"\b[0-9a-f]{12,}\b", "DIGEST", line)
    line = re.sub(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", "DAY", line)
    line = re.sub(r"\d+(?:[.,:]\d+)*", "N", line)
    line = re.sub(r"[─━═╌-]{3,}", "---", line)
    return " ".join(line.split())
