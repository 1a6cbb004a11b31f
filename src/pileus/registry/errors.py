"""Errors of the registry."""

from pileus.core.errors import Conflict, InvalidRequest, NotFound


class DatasetNotFound(NotFound, code="dataset_not_found"):
    """No dataset, or no such version of it, in the project."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"Dataset {reference!r} not found", hint="List datasets with `pileus dataset list`."
        )


class ModelNotFound(NotFound, code="model_not_found"):
    """No model, or no such version of it, in the project."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"Model {reference!r} not found", hint="List models with `pileus model list`."
        )


class ManifestRefused(InvalidRequest, code="manifest_refused"):
    """A manifest does not describe what was uploaded."""


class ProfileRefused(InvalidRequest, code="profile_refused"):
    """A profile does not describe the dataset version that it was sent for."""


class RegistrationRefused(Conflict, code="registration_refused"):
    """What the job left behind may not become a model version; the message says why."""
