"""The lines that the quickstart prints: a numbered step, its result, its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pileus.cli import phrases

if TYPE_CHECKING:
    from pileus.cli.output import Output

_TITLE_WIDTH = 11
_RESULT_WIDTH = 54


@dataclass
class Step:
    """A step that is being done; what it says when it is done."""

    result: str = ""


class Pages:
    """Prints steps as they pass."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.current = ""
        """The step that is being done, to name it when it fails."""

        self._number = 0

    @contextmanager
    def step(self, title: str, doing: str) -> Iterator[Step]:
        """One step; a line with result and time follows when it succeeds."""
        self._number += 1
        self.current = title
        began = time.monotonic()
        step = Step()
        if self.output.is_live:
            with self.output.console.status(f"[dim]{title:<{_TITLE_WIDTH}}[/] {doing}"):
                yield step
        else:
            yield step
        self._line(title, step.result, time.monotonic() - began)

    @contextmanager
    def step_with_own_bar(self, title: str) -> Iterator[Step]:
        """As `step`, for one that shows how far it has come itself."""
        self._number += 1
        self.current = title
        began = time.monotonic()
        step = Step()
        yield step
        self._line(title, step.result, time.monotonic() - began)

    def _line(self, title: str, result: str, seconds: float) -> None:
        from rich.markup import escape  # start-up time

        padded = escape(f"{result:<{_RESULT_WIDTH}}")
        self.output.say(
            f" [green]{self._number:>2}[/]  [bold]{title:<{_TITLE_WIDTH}}[/] {padded}"
            f" [dim]{phrases.seconds(seconds):>7}[/]"
        )
