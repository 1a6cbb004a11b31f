"""What the work at hand is about: ids that every line logged meanwhile carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

FIELDS = ("request_id", "project", "job", "attempt")
"""What a line may be about; also the names to use in `extra` of a logging call."""

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039  never changed


@contextmanager
def about(**ids: str | None) -> Iterator[None]:
    """Say what is worked at; an id that is None is left as it was."""
    token = _about.set({**_about.get(), **{name: id_ for name, id_ in ids.items() if id_}})
    try:
        yield
    finally:
        _about.reset(token)


def current() -> Mapping[str, str]:
    """The ids of the work at hand."""
    return _about.get()


def request_id() -> str | None:
    """Id of the request that the work at hand is for."""
    return _about.get().get("request_id")
