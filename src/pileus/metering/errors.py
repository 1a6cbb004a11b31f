"""Errors of metering."""

from pileus.core.errors import InvalidRequest, NotFound


class PriceNotFound(NotFound, code="price_not_found"):
    """No price for that resource in the price book."""


class PriceRefused(InvalidRequest, code="price_refused"):
    """A price that is negative or cannot be written as an integer per 10^k units."""
