"""The public Python client: `Client`, and one small module per noun.

Speaks HTTP and nothing else; answers are the server's documents as they came. Errors are re-raised
as the families of `pileus.core.errors`.
"""

from pileus.sdk.client import Client

__all__ = ["Client"]
