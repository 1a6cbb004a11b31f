"""How much the processes log, and how much of it is kept."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LogsSettings(BaseModel):
    """Settings of the logs in the home, for each process. At most `file_bytes` times `files`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level that is written."""

    file_bytes: int = Field(default=16 * 1024 * 1024, ge=4096)
    """A file that would grow beyond this is put aside, and a new one begins."""

    files: int = Field(default=4, ge=2, le=1000)
    """Files kept of each process, the one that is written included."""
