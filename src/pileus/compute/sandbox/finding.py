"""Whether this node can make sandboxes: tried once, for a program that is there may not be let."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pileus.compute.layout import PACKAGE_ROOT
from pileus.compute.sandbox.wrapping import Sandbox

_PROGRAM = "bwrap"
_TRY_SECONDS = 10.0


def find(home: Path, which: Callable[[str], str | None] = shutil.which) -> Sandbox | str:
    """The means, or why there are none. `home` is hidden from what runs inside."""
    program = which(_PROGRAM)
    if program is None:
        return "bubblewrap is not installed"
    words = [program, "--unshare-all", "--cap-drop", "ALL", "--ro-bind", "/", "/", "true"]
    try:
        tried = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=_TRY_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} cannot be run: {error}"
    if tried.returncode:
        said = tried.stderr.strip().splitlines() or [f"code {tried.returncode}"]
        return f"{program} may not make one here: {said[-1]}"
    shows = {str(Path(path).resolve()) for path in (sys.prefix, sys.base_prefix, PACKAGE_ROOT)}
    return Sandbox(program, tuple(sorted(shows | {sys.prefix})), (str(home.resolve()),))
