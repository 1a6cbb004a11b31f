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


class CodeNotFound(NotFound, code="code_not_found"):
    """No code snapshot of that id in the project."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"Code snapshot {reference!r} not found",
            hint="Upload it again; a snapshot that no job uses is removed after a day or so.",
        )


class CodeRefused(InvalidRequest, code="code_refused"):
    """A manifest does not describe a code snapshot that was uploaded."""
