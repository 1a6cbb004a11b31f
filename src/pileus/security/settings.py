"""How what rests on disks is protected."""

from __future__ import annotations

import shlex
from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator, model_validator


class SecuritySettings(BaseModel):
    """Settings of encryption at rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encrypt_blobs: bool = True
    """Encrypt new blobs, each project with keys of its own. Off, encrypted ones are still read."""

    master_key_file: Path | None = None
    """File with the master key, 64 hexadecimal digits; `keys/master.key` of the home when absent."""

    master_key_command: str | None = None
    """Command, run without a shell, that prints the master key: of a KMS, a vault, `pass`."""

    master_key_command_seconds: float = 30.0
    """The command has this long."""

    @model_validator(mode="after")
    def _one_source(self) -> SecuritySettings:
        if self.master_key_file is not None and self.master_key_command is not None:
            raise ValueError("give master_key_file or master_key_command, not both")
        return self

    @field_validator("master_key_command")
    @classmethod
    def _has_words(cls, command: str | None) -> str | None:
        if command is not None and not shlex.split(command):  # raises on a quote that is left open
            raise ValueError("it is empty; write the command, or leave the setting out")
        return command
