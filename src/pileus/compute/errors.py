"""Errors of starting attempts on a node."""

from __future__ import annotations

from pileus.core.errors import InvalidRequest, Unavailable


class EnvironmentUnknown(InvalidRequest, code="environment_unknown"):
    """The node has no environment of that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(
            f"Environment {name!r} is not known on this node",
            hint=f"Use one of {', '.join(known)}.",
        )


class EnvironmentBroken(Unavailable, code="environment_broken"):
    """An environment cannot be imported on the node."""


class SandboxMissing(Unavailable, code="sandbox_missing"):
    """The node cannot run an attempt in a sandbox, and runs none without that asked for one."""

    def __init__(self) -> None:
        super().__init__(
            "This node cannot make a sandbox",
            hint="`pileus doctor` on the node says why; restart its worker when that is mended.",
        )


class RunnerNotStarted(Unavailable, code="runner_not_started"):
    """The process that leads an attempt did not come up."""
