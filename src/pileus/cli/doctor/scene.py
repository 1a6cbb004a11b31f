"""What checks look at: the home, the machine, and the processes if they run."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pileus.cli.home import Home
from pileus.core.errors import PileusError
from pileus.sdk.api import Api
from pileus.sdk.home import address

ASK_SECONDS = 5.0


class Answer(NamedTuple):
    """What a process said, and when."""

    seconds: float
    document: Mapping[str, Any]
    date: str | None
    """The header in which it tells its own time."""


Ask = Callable[[str, str], Answer]
"""(process, path) → its answer. Raises PileusError."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Scene:
    """One look; what is asked twice is remembered."""

    home: Home
    token: str | None
    """For what only members may ask."""

    project: str = "default"
    now: Callable[[], datetime] = _now
    statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
    temporary: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    asking: Ask | None = None
    """Stands in for HTTP."""

    @cached_property
    def is_up(self) -> bool:
        """Whether a supervisor holds the home."""
        return self.home.is_held

    @cached_property
    def ports(self) -> dict[str, Any]:
        """Process → its port, while it is up."""
        found = self.home.read("ports.json") if self.is_up else {}
        return {name: found[name] for name in ("server", "gateway", "grpc") if found.get(name)}

    @cached_property
    def pids(self) -> dict[str, int]:
        """Process → its id, as the supervisor wrote it last."""
        return {name: int(pid) for name, pid in self.home.read("pids.json").items()}

    def ask(self, process: str, path: str) -> Answer:
        """What a process answers. Raises PileusError."""
        if self.asking is not None:
            return self.asking(process, path)
        host = str(self.home.read("ports.json").get("host", "127.0.0.1"))
        api = Api(address(host, self.ports[process]), self.token or "", "", patience_seconds=0)
        began = time.monotonic()
        try:
            response = api.call("GET", path, timeout_seconds=ASK_SECONDS)
        finally:
            api.close()
        return Answer(time.monotonic() - began, response.json(), response.headers.get("date"))

    def try_ask(self, process: str, path: str) -> Answer | None:
        """As `ask`; None when it is not up or does not answer, which is another check's affair."""
        if self.asking is None and process not in self.ports:
            return None
        try:
            return self.ask(process, path)
        except PileusError:
            return None
