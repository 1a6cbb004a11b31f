"""Where objects are, and with whose credentials. The only file that reads the environment here."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

_SELF_SERVICE = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
)


class ObjectStoreSettings(BaseModel):
    """The usual variables of AWS, as other programs know them; any S3 server, by its endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str | None = None
    """AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL; Amazon's own when absent."""

    region: str | None = None
    """AWS_REGION or AWS_DEFAULT_REGION."""

    access_key_id: str | None = None
    """AWS_ACCESS_KEY_ID, or of the profile AWS_PROFILE in ~/.aws/credentials."""

    secret_access_key: SecretStr | None = None
    """AWS_SECRET_ACCESS_KEY, or of that profile."""

    session_token: SecretStr | None = None
    """AWS_SESSION_TOKEN, or of that profile."""

    is_given_by_host: bool = False
    """Whether credentials come from the machine: a web identity, a container, its metadata."""

    @property
    def is_anonymous(self) -> bool:
        """Whether requests are not signed: public buckets are read without an account."""
        return self.access_key_id is None and not self.is_given_by_host

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> ObjectStoreSettings:
        """What the process's environment says, or another one."""
        variables = os.environ if environ is None else environ

        def first(*names: str) -> str | None:
            return next((variables[name] for name in names if variables.get(name)), None)

        found: dict[str, Any] = {
            "access_key_id": first("AWS_ACCESS_KEY_ID"),
            "secret_access_key": first("AWS_SECRET_ACCESS_KEY"),
            "session_token": first("AWS_SESSION_TOKEN"),
        }
        if found["access_key_id"] is None:
            found = _profile(
                Path(first("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser(),
                first("AWS_PROFILE") or "default",
            )
        return cls(
            endpoint=first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
            region=first("AWS_REGION", "AWS_DEFAULT_REGION"),
            is_given_by_host=first(*_SELF_SERVICE) is not None,
            **found,
        )


def _profile(path: Path, name: str) -> dict[str, Any]:
    file = configparser.ConfigParser(interpolation=None)
    try:
        file.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return {}  # not ours to judge; without credentials the store answers who may not
    if not file.has_section(name):
        return {}
    names = {
        "access_key_id": "aws_access_key_id",
        "secret_access_key": "aws_secret_access_key",
        "session_token": "aws_session_token",
    }
    return {field: file.get(name, key, fallback=None) for field, key in names.items()}
