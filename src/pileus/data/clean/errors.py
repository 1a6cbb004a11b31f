"""Errors of a transform that does not suit its data, or whose result is not as expected."""

from pileus.core.errors import InvalidRequest, Unavailable


class StepRefused(InvalidRequest, code="step_refused"):
    """A step that the data does not permit: an unknown column, a cell it cannot take."""


class ExpectationViolated(InvalidRequest, code="expectation_violated"):
    """The result is not what the spec says that must hold; no version was made."""


class ExpectationsUnavailable(Unavailable, code="expectations_unavailable"):
    """The node cannot check expectations, because a package is not installed."""


class TransformStopped(Unavailable, code="transform_stopped"):
    """The attempt was asked to end before the transform had."""
