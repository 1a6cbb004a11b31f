"""The files of an attempt's directory, by name. Standard library only: runners import this."""

from __future__ import annotations

import os
from pathlib import Path

from pileus.core.stamps import SUFFIX

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600

PACKAGE_ROOT = Path(__file__).parents[2]
"""Directory from which `pileus` is imported."""

ATTEMPT_MODULES = Path(__file__).parent / "attempt"
"""Directory that goes on the `sys.path` of attempts."""

DIRECTORY_VARIABLE = "PILEUS_ATTEMPT_DIR"
TOKEN_VARIABLE = "PILEUS_ATTEMPT_TOKEN_FILE"  # noqa: S105  the name of a variable
CPUS_VARIABLE = "PILEUS_ATTEMPT_CPUS"
SECRETS_VARIABLE = "PILEUS_ATTEMPT_SECRETS_DIR"
REQUEST_VARIABLE = "PILEUS_ATTEMPT_REQUEST_ID"


class Layout:
    """Paths inside one attempt's directory."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self.spec = self.directory / "spec.json"
        self.inputs = self.directory / "inputs"
        """Absent where the job declares none."""

        self.work = self.directory / "work"
        self.environment = self.directory / "environment"
        """Link to the virtual environment that was built for its code; absent without one."""

        self.out = self.directory / "out"
        self.report = self.directory / "report"
        """What the attempt says of itself; with `work` and `out` all that a sandboxed one may write."""

        self.metrics = self.report / "metrics.wal"
        self.result = self.report / "result.json"
        self.stdout = self.directory / "stdout"
        self.stderr = self.directory / "stderr"
        self.stdout_times = self.directory / f"stdout{SUFFIX}"
        self.stderr_times = self.directory / f"stderr{SUFFIX}"
        self.token = self.directory / "token"
        self.launch = self.directory / "launch.json"
        """How to start it: the executor's word to the runner."""

        self.secrets = self.directory / "secrets"
        """Files with secrets; a link into memory, where the node has files there."""

        self.secret_values = self.secrets / ".values.json"
        """All values, from the worker to the runner, which removes it as it reads it."""

        self.lease = self.directory / "lease.json"
        """The last renewal that the runner has to know of; until the first one, the launch says it."""

        self.stop = self.directory / "stop.json"
        self.runner = self.directory / "runner.json"
        self.runner_log = self.directory / "runner.log"
        """Locked by the one runner that leads this attempt; what went wrong in it, empty otherwise."""

        self.usage = self.directory / "usage.json"
        """What the attempt uses, as its runner saw it last; absent before the first look."""

        self.exit = self.directory / "exit.json"

    @property
    def mark(self) -> str:
        """What every process of the attempt has in its environment."""
        return f"{DIRECTORY_VARIABLE}={self.directory}"
