"""Settings of the client: which installation, which project, as whom."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

DEFAULT_HOME = Path("~/.pileus")


class ClientSettings(BaseModel):
    """How the command line finds the server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = DEFAULT_HOME
    """Home of the installation on this machine."""

    url: str | None = None
    """URL of the server; found in the home when absent."""

    gateway_url: str | None = None
    """URL of the gateway; found in the home when absent."""

    token: SecretStr | None = None
    """Token of the caller; found in the home when absent."""

    project: str = "default"
    """Project that commands are about."""

    patience_seconds: float = Field(default=10.0, ge=0)
    """How long a call is repeated while the server cannot be reached."""
