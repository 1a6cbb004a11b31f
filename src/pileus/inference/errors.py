"""Errors of bundles and of requests for predictions."""

from __future__ import annotations

import math

from pileus.core.errors import Conflict, InvalidRequest, LimitExceeded, Unavailable


class InvalidTensor(InvalidRequest, code="invalid_tensor"):
    """A tensor of the request does not fit the model's signature."""


class InferenceFailed(InvalidRequest, code="inference_failed"):
    """The model could not compute this input, although it fits the signature."""


class BatchTooLarge(LimitExceeded, code="batch_too_large"):
    """More rows in one request than a model accepts."""


class Overloaded(Unavailable, code="overloaded"):
    """More requests wait for a model than can be answered soon."""

    def __init__(self, waiting: int, seconds: float) -> None:
        super().__init__(
            f"{waiting} requests wait for this model",
            hint="Send fewer at a time, or try again when the answer says.",
        )
        self.retry_after_seconds = max(1, math.ceil(seconds))


class DeadlineExceeded(Unavailable, code="deadline_exceeded"):
    """The time that the caller gave was over before there was an answer."""

    def __init__(self) -> None:
        super().__init__(
            "The request's 'timeout' was over before the model had answered",
            hint="Give it more time, or send fewer requests at a time.",
        )


class BundleUnreadable(InvalidRequest, code="bundle_unreadable"):
    """The bundle's description cannot be used by this version of Pileus."""


class BundleDamaged(Conflict, code="bundle_damaged"):
    """A file of the bundle is missing or does not have the bytes it was made with."""
