"""Errors of access control."""

from pileus.core.errors import (
    Conflict,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Unavailable,
)


class TokenUnknown(NotAuthenticated, code="token_unknown"):
    """The token is missing, mistyped, expired or revoked; which of them is not told."""

    def __init__(self) -> None:
        super().__init__(
            "The request carries no valid token",
            hint="Send `Authorization: Bearer TOKEN`; an admin makes one with `pileus token create`.",
        )


class RoleTooLow(NotAllowed, code="role_too_low"):
    """The principal's role does not include what the route needs."""


class OtherProject(NotAllowed, code="other_project"):
    """The token belongs to another project."""


class ProjectNotFound(NotFound, code="project_not_found"):
    """No project of that name."""


class PrincipalNotFound(NotFound, code="principal_not_found"):
    """No principal of that name in the project."""


class TokenNotFound(NotFound, code="token_not_found"):
    """No token of that id in the project."""


class NameTaken(Conflict, code="name_taken"):
    """The name is in use."""


class LastAdmin(Conflict, code="last_admin"):
    """The change would leave a project without an admin."""


class MasterKeyLost(Conflict, code="master_key_lost"):
    """The master key that project keys are wrapped with is not where it should be."""


class MasterKeyWrong(Conflict, code="master_key_wrong"):
    """There is a master key, but not the one that project keys are wrapped with."""


class MasterKeyRefused(InvalidRequest, code="master_key_refused"):
    """What should be a master key is none, or is readable by others."""


class MasterKeyUnavailable(Unavailable, code="master_key_unavailable"):
    """The command that prints the master key failed, or its file cannot be read or written."""


class EncryptionOff(Conflict, code="encryption_off"):
    """The installation was told not to encrypt blobs."""


class SecretNotFound(NotFound, code="secret_not_found"):
    """No secret of that name in the project."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Secret {name!r} not found",
            hint=f"An admin sets it with `pileus secret set {name}`; `pileus secret list` has all.",
        )


class SecretRefused(InvalidRequest, code="secret_refused"):
    """A value that cannot be kept, or not be masked; the message has its size and not the value."""


class NotConfirmed(InvalidRequest, code="not_confirmed"):
    """What cannot be undone was not confirmed by the name of its object."""


class TombstoneNotFound(NotFound, code="tombstone_not_found"):
    """Nothing of that id was deleted in the project."""


class CannotReturn(Conflict, code="cannot_return"):
    """What was deleted cannot be brought back: collected, or its place is taken."""
