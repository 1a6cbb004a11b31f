"""
Family of an error → HTTP status, gRPC status, exit code of a process. The one place of it.

Numbers of gRPC: https://grpc.io/docs/guides/status-codes/
"""

from pileus.core import errors

HTTP: dict[type[errors.PileusError], int] = {
    errors.InvalidRequest: 422,
    errors.NotAuthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.LimitExceeded: 429,
    errors.Unavailable: 503,
}

GRPC: dict[type[errors.PileusError], int] = {
    errors.InvalidRequest: 3,  # INVALID_ARGUMENT
    errors.NotAuthenticated: 16,  # UNAUTHENTICATED
    errors.NotAllowed: 7,  # PERMISSION_DENIED
    errors.NotFound: 5,  # NOT_FOUND
    errors.Conflict: 9,  # FAILED_PRECONDITION
    errors.LimitExceeded: 8,  # RESOURCE_EXHAUSTED
    errors.Unavailable: 14,  # UNAVAILABLE
}

EXIT: dict[type[errors.PileusError], int] = {
    errors.InvalidRequest: 2,
    errors.NotAuthenticated: 3,
    errors.NotAllowed: 4,
    errors.NotFound: 5,
    errors.Conflict: 6,
    errors.LimitExceeded: 7,
    errors.Unavailable: 8,
}


def http_status(error: errors.PileusError) -> int:
    """HTTP status of `error`; 500 for one that belongs to no family."""
    return HTTP.get(getattr(type(error), "family", type(error)), 500)


def grpc_status(error: errors.PileusError) -> int:
    """GRPC's number for `error`; 13, INTERNAL, for one that belongs to no family."""
    return GRPC.get(getattr(type(error), "family", type(error)), 13)


def exit_code(error: errors.PileusError) -> int:
    """Exit code of the CLI for `error`; 1 for one that belongs to no family."""
    return EXIT.get(getattr(type(error), "family", type(error)), 1)
