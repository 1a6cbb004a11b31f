"""Errors of bundles and of requests for predictions."""

from pileus.core.errors import Conflict, InvalidRequest, LimitExceeded


class InvalidTensor(InvalidRequest, code="invalid_tensor"):
    """A tensor of the request does not fit the model's signature."""


class InferenceFailed(InvalidRequest, code="inference_failed"):
    """The model could not compute this input, although it fits the signature."""


class BatchTooLarge(LimitExceeded, code="batch_too_large"):
    """More rows in one request than a model accepts."""


class BundleUnreadable(InvalidRequest, code="bundle_unreadable"):
    """The bundle's description cannot be used by this version of Pileus."""


class BundleDamaged(Conflict, code="bundle_damaged"):
    """A file of the bundle is missing or does not have the bytes it was made with."""
