"""Errors of the worker."""

from __future__ import annotations

from pileus.core.errors import Conflict, InvalidRequest, NotFound, Unavailable


class WorkerRunning(Conflict, code="worker_running"):
    """Another worker runs in this home."""


class InputRefused(InvalidRequest, code="input_refused"):
    """An input cannot be placed where its path says."""


class EnvironmentNotBuilt(InvalidRequest, code="environment_not_built"):
    """The environment that code asks for cannot be built; the message ends with what uv said."""


class SecretsMissing(NotFound, code="secrets_missing"):
    """The job names a secret that was removed since it was submitted."""


class SecretUnfit(InvalidRequest, code="secret_unfit"):
    """A value that no environment variable can hold."""


class InputDamaged(Unavailable, code="input_damaged"):
    """The bytes of an input are not those that were announced."""


class RayUnreachable(Unavailable, code="ray_unreachable"):
    """The Ray cluster on which attempts are to run does not answer."""


class RayMissing(InvalidRequest, code="ray_missing"):
    """Attempts are to run on Ray, which is not installed."""
