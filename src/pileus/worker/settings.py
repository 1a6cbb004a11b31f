"""How the worker behaves. The only file of the package that touches the environment."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RaySettings(BaseModel):
    """Which Ray cluster, and how its nodes find us."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(default="auto", pattern=r"^(auto|[^/]+:\d+)$")
    """`HOST:PORT` of the head (6379 by default), or `auto` for the cluster of this machine."""

    server_url: str | None = None
    """Where the server answers as nodes of the cluster see it; `server_url` of the worker if absent."""

    directory: Path = Path("~/.pileus-ray")
    """On each node: inputs, logs and outputs of attempts, and what is cached for later ones."""

    look_seconds: float = Field(default=5.0, gt=0)
    """So often the worker looks which nodes the cluster has and whether each is attended to."""


class WorkerSettings(BaseModel):
    """Settings of one worker process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    """The installation's home directory; the worker's own part of it is `worker/`."""

    server_url: str = "http://127.0.0.1:7070"
    """Where the server answers."""

    token_file: Path | None = None
    """File with the worker's bearer token; `run/worker.token` in the home when absent."""

    node_name: str = Field(default_factory=lambda: socket.gethostname().lower(), min_length=1)
    """Names this machine among the nodes; two workers must not share one."""

    custom: dict[str, int] = Field(default_factory=dict)
    """Flavours that this node offers, such as `{"fpga": 1}`."""

    address: str | None = Field(default=None, min_length=1)
    """Where members of a gang on other nodes reach this one: an IP address or a host name. When absent,
    that of the interface towards the server, or where that is this machine, towards anywhere."""

    executor: Literal["process", "ray"] = "process"
    """Where attempts run: on this machine, or on every node of a Ray cluster (`pileus[ray]`)."""

    ray: RaySettings = RaySettings()
    """The cluster, where `executor` is `ray`."""

    wait_seconds: float = Field(default=10.0, gt=0, le=20)
    """How long the server may hold a report when it has no news."""

    retry_seconds_max: float = Field(default=2.0, gt=0)
    """Longest pause between two tries to reach the server."""

    ship_seconds: float = Field(default=0.05, gt=0)
    """New bytes of logs and metrics leave for the server this often."""

    log_mib: int = Field(default=256, ge=1)
    """Of each log of an attempt that runs, about the first half of so much and the last stay on the
    node's disk, once the server has the rest."""

    usage_seconds: float = Field(default=5.0, ge=1)
    """The server hears this often what attempts use, while any runs."""

    zygote_idle_seconds: float = Field(default=45.0, gt=0)
    """A warm process that forked nothing for this long ends."""

    cache_mib: int = Field(default=20 * 1024, ge=0)
    """Inputs kept for later attempts; beyond this the longest unused go."""

    environments_mib: int = Field(default=20 * 1024, ge=0)
    """Environments kept for later attempts; beyond this the longest unused go."""

    environment_days: float = Field(default=30.0, gt=0)
    """An environment that no attempt used for this long goes."""

    environment_build_seconds: float = Field(default=1800.0, gt=0)
    """Longest time that one command of uv may take to build an environment."""

    pass_environment: tuple[str, ...] = (
        "HOME",
        "LANG",
        "LC_ALL",
        "LD_LIBRARY_PATH",
        "LOGNAME",
        "SHELL",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
        "USER",
    )
    """Variables of the worker that attempts see; `PATH` always, and no other."""

    supervisor_fd: int | None = None
    """Read end of a pipe whose other end the supervisor holds: when it closes, we exit."""

    @property
    def log_bytes(self) -> int:
        """`log_mib` in bytes."""
        return self.log_mib * 1024 * 1024

    @property
    def directory(self) -> Path:
        """The worker's own part of the home."""
        return self.home / "worker"

    @property
    def means_path(self) -> Path:
        """Where the worker leaves word of what holds attempts on this node."""
        return self.directory / "means.json"

    @property
    def token_path(self) -> Path:
        """Where the worker's bearer token lies."""
        return self.token_file or self.home / "run" / "worker.token"


def base_environment(names: tuple[str, ...]) -> dict[str, str]:
    """What every attempt sees of this process's environment: never a token or a setting.

    The worker's own Python comes first on PATH, so that `python` finds what is installed with us.
    """
    own = str(Path(sys.executable).parent)
    passed = {name: os.environ[name] for name in names if name in os.environ}
    return {**passed, "PATH": f"{own}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


_BUILD_VARIABLES = ("UV_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


def build_environment(base: Mapping[str, str]) -> dict[str, str]:
    """What uv sees when it builds an environment: what attempts see, its own settings, proxies."""
    own = {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(_BUILD_VARIABLES)
    }
    return {**base, **own}
