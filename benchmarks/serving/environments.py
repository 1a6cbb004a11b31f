"""Virtual environments of peers: made on first use, kept, and never the project's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_INSTALL_SECONDS = 900
_DONE = "requirements.txt"

# No version is below zero: pip refuses what needs torch instead of fetching gigabytes that no peer uses.
_FORBIDDEN = "torch<0\ntorchvision<0\n"


class NotInstalled(Exception):
    """A peer's packages cannot be had here."""


def python_of(name: str, requirements: Sequence[str], directory: Path) -> Path:
    """The interpreter with exactly these requirements. Raises NotInstalled."""
    environment = directory.expanduser().absolute() / name
    python, done = environment / "bin" / "python", environment / _DONE
    wanted = "".join(f"{line}\n" for line in requirements)
    if done.exists() and done.read_text("utf-8") == wanted:
        return python
    print(f"installing {name} into {environment}", file=sys.stderr)
    _run([sys.executable, "-m", "venv", "--clear", str(environment)])
    constraints = environment / "constraints.txt"
    constraints.write_text(_FORBIDDEN, "utf-8")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--constraint", str(constraints), *requirements])
    done.write_text(wanted, "utf-8")  # last, so that what was cut off is made again
    return python


def _run(command: list[str]) -> None:
    try:
        subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"not installed within {_INSTALL_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        # pip's first error says what, its last one only where to read about it.
        said = [line for line in str(error.stderr).splitlines() if line.startswith("ERROR")]
        raise NotInstalled(said[0] if said else f"exit code {error.returncode}") from error
