"""An installation that lives as long as a benchmark uses it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def installation(directory: Path) -> Iterator[list[str]]:
    """The words of a command in a fresh home whose server runs."""
    words = [sys.executable, "-m", "pileus", "--home", str(directory / "home")]
    subprocess.run(
        [*words, "up", "--port", "0", "--gateway-port", "0"], check=True, capture_output=True
    )
    try:
        yield words
    finally:
        subprocess.run([*words, "down"], check=False, capture_output=True)
