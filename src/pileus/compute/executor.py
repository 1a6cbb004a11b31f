"""What the worker asks of a place to run attempts. Implementations are in `executors/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from pileus.compute.limits.amounts import Limits
from pileus.compute.sandbox.wrapping import Sandbox


@dataclass(frozen=True)
class Launch:
    """What to start in a prepared directory: a command, or the `main` of a module."""

    lease_token: str
    command: tuple[str, ...] | None = None
    entry: str | None = None
    environment: str = "plain"
    env: Mapping[str, str] = field(default_factory=dict)
    """Every variable that the attempt sees."""

    timeout_seconds: float | None = None
    grace_seconds: float = 20.0
    limits: Limits = field(default_factory=Limits)
    gpu_milli: int = 0
    """Thousandths of GPUs that its lease holds; `env` says which."""

    confirmed_at: float | None = None
    fence_seconds: float | None = None
    """The lease until its first renewal, as `Executor.renew` has it; without these no fence."""

    has_secrets: bool = False
    """The values are in the directory, and are masked in all that the attempt says."""

    is_sandboxed: bool = False
    """Without network, and seeing nothing but the system and its own directory."""

    sandbox: Sandbox | None = None
    """How; the executor's word to the runner."""

    def document(self) -> dict[str, Any]:
        """`launch.json`."""
        sandbox = None if self.sandbox is None else self.sandbox._asdict()
        means = {"limits": self.limits._asdict(), "sandbox": sandbox}
        return {"schema": 1} | asdict(self) | means


class Phase(StrEnum):
    """How far the process of an attempt has come."""

    ABSENT = "absent"  #: never started here
    RUNNING = "running"  #: its runner lives
    ENDED = "ended"  #: its runner wrote how
    LOST = "lost"  #: its runner vanished; nothing of it runs any more


@dataclass(frozen=True)
class State:
    """What can be told of an attempt from its directory and the machine."""

    phase: Phase
    started_at: str | None = None
    exit: dict[str, Any] | None = None
    """`exit.json`, or one made up honestly when the runner was lost."""

    @property
    def is_over(self) -> bool:
        return self.phase in {Phase.ENDED, Phase.LOST}


class Executor(Protocol):
    """Starts, stops, watches attempts. All it knows is in their directories, so a new one goes on
    where another was killed."""

    async def start(self, directory: Path, launch: Launch) -> None:
        """Start the attempt, once; a second call finds it started.

        Raises EnvironmentUnknown, EnvironmentBroken, RunnerNotStarted, SandboxMissing.
        """
        ...

    def state(self, directory: Path, lease_token: str) -> State:
        """What has become of it. Adopts a runner only when boot, pid, start and lease agree."""
        ...

    async def wait(self, directory: Path, lease_token: str) -> State:
        """The state once it is over."""
        ...

    def renew(self, directory: Path, fence_seconds: float, confirmed_at: float) -> None:
        """Tell the runner that its lease was renewed by a server that was asked at that time.

        `confirmed_at` is of the monotonic clock, in seconds: what is told or read late, because a
        process stood still, must not make the lease longer than the server knows it.
        """
        ...

    def stop(self, directory: Path, reason: str) -> None:
        """Ask the attempt to stop; its grace begins. Repeating it changes nothing."""
        ...

    def kill(self, directory: Path) -> None:
        """End every process of the attempt now."""
        ...

    def refuse(self, directory: Path, message: str, *, is_node_at_fault: bool = False) -> State:
        """Record that it could not be started; another try may cure a fault of the node."""
        ...

    async def close(self) -> None:
        """Let go of warm processes. Attempts go on."""
        ...
