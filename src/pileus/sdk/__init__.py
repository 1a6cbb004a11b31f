"""The public Python client: `Client`, and one small module per noun.

Speaks HTTP and nothing else; answers are the server's documents as they came. Errors are re-raised
as the families of `pileus.core.errors`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pileus.sdk.client import Client

__all__ = ["Client"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  as Python asks
    """`Client`, when it is asked for: who only reads a home's ports needs no HTTP."""
    if name == "Client":
        from pileus.sdk.client import Client  # httpx: 10 MB and 0.1 s

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
