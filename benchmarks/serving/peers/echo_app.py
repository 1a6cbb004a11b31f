"""What a Python server can do at most: read the body and answer a constant."""

from __future__ import annotations

from typing import Any

_HEADERS = [("content-type", "application/json")]
_ANSWER = (
    b'{"model_name":"m","outputs":[{"name":"probs","shape":[1,10],"datatype":"FP32",'
    b'"data":[0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1]}]}'
)


async def app(scope: Any, protocol: Any) -> None:  # noqa: ANN401  granian's, which has no types
    """RSGI."""
    if scope.proto == "http":
        await protocol()
        protocol.response_bytes(200, _HEADERS, _ANSWER)
