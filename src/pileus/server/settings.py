"""How the server behaves, and where it keeps its state."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from pileus.jobs.settings import JobsSettings
from pileus.metering.settings import MeteringSettings
from pileus.security.settings import SecuritySettings
from pileus.server.deletion.settings import DeletionSettings
from pileus.tracking.settings import TrackingSettings


class ServerSettings(BaseModel):
    """Settings of one server process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    """The installation's home directory."""

    host: str = "127.0.0.1"
    """Address to listen on; loopback unless someone decides otherwise."""

    port: int = Field(default=7070, ge=1, le=65535)
    """Port to listen on."""

    database_url: SecretStr | None = None
    """`postgresql+psycopg://…`; SQLite in the home when absent."""

    max_blob_mib: int = Field(default=5 * 1024, ge=1)
    """A larger upload in one piece is refused."""

    max_body_mib: int = Field(default=64, ge=1)
    """A larger request that is not an upload is refused."""

    drain_seconds: float = Field(default=1.0, ge=0)
    """After a request to stop, requests in flight have this long; clients repeat cut ones."""

    supervisor_fd: int | None = None
    """Read end of a pipe whose other end the supervisor holds: when it closes, we exit."""

    @property
    def state(self) -> Path:
        """Database and its copies."""
        return self.home / "state"

    @property
    def run(self) -> Path:
        """Tokens, ports, process ids."""
        return self.home / "run"

    @property
    def token_key_path(self) -> Path:
        """Key of all token hashes."""
        return self.home / "keys" / "token.key"


class Settings(BaseModel):
    """Everything the server process can be told, a section per package."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    server: ServerSettings
    jobs: JobsSettings = JobsSettings()
    metering: MeteringSettings = MeteringSettings()
    security: SecuritySettings = SecuritySettings()
    deletion: DeletionSettings = DeletionSettings()
    tracking: TrackingSettings = TrackingSettings()
