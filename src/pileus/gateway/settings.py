"""How the gateway behaves. The only file of the package that touches the environment."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class GatewaySettings(BaseModel):
    """Settings of one gateway lane."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    """The installation's home directory; the gateway's own part of it is `gateway/`."""

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: int = Field(default=7080, ge=1, le=65535)
    """Port to listen on."""

    grpc: bool = True
    """Answer gRPC as well."""

    grpc_port: int | None = Field(default=None, ge=1, le=65535)
    """Port of gRPC; the one after `port` when absent."""

    server_url: str = "http://127.0.0.1:7070"
    """Where the server answers."""

    max_body_mib: int = Field(default=64, ge=1, le=1024)
    """A larger request is refused with 413."""

    max_request_rows: int = Field(default=4096, ge=1)
    """Rows that one request may carry."""

    max_waiting: int = Field(default=4096, ge=1)
    """Requests that may wait for one model; others are told with 503 when to come back."""

    allowed_objects: tuple[str, ...] = ()
    """Prefixes (`s3://BUCKET/FOLDER`, `https://HOST/FOLDER`) of objects that requests may name."""

    max_object_mib: int = Field(default=32, ge=1, le=1024)
    """An object that a request names may have this size."""

    object_seconds: float = Field(default=10.0, gt=0)
    """An object that a request names has to arrive within this time."""

    stale_hours: float = Field(default=24.0, gt=0)
    """Without the server for longer than this, health says so and the log carries an alarm."""

    poll_seconds: float = Field(default=10.0, gt=0, le=30)
    """How long the server may hold a question for news."""

    ship_seconds: float = Field(default=1.0, gt=0)
    """Meters and sealed records leave for the server this often."""

    segment_kib: int = Field(default=1024, ge=1)
    """A segment of records is sealed at this size."""

    segment_seconds: float = Field(default=1.0, gt=0)
    """A segment of records is sealed at this age."""

    max_segments_mib: int = Field(default=512, ge=1)
    """While the server is away: records beyond this are dropped, the oldest first, and counted."""

    drain_seconds: float = Field(default=20.0, ge=0)
    """After a request to stop, requests in flight have this long."""

    supervisor_fd: int | None = None
    """Read end of a pipe whose other end the supervisor holds: when it closes, we exit."""

    @property
    def port_of_grpc(self) -> int:
        """Where gRPC listens."""
        return self.port + 1 if self.grpc_port is None else self.grpc_port

    @property
    def directory(self) -> Path:
        """The gateway's cache."""
        return self.home / "gateway"

    @property
    def token_path(self) -> Path:
        """Where the gateway's own bearer token lies."""
        return self.home / "run" / "gateway.token"

    @property
    def metrics_token_path(self) -> Path:
        """Where the token lies with which Prometheus reads the figures."""
        return self.home / "run" / "metrics.token"


def single_threaded_math() -> None:
    """One thread for BLAS and OpenMP: default threads doubled the CPU per request.

    Has an effect only before NumPy is first imported. What the operator set stays.
    """
    for variable in _THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")
