"""What an attempt left behind, made safe to keep: user code may have written any of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

MAX_BYTES = 256 * 1024
"""A larger document is no summary; what is large belongs into artifacts."""

MAX_TEXT = 10_000
"""Characters kept of any one text."""


def checked_exit(document: Mapping[str, Any]) -> dict[str, Any]:
    """How an attempt ended. One too large to keep says only what decides."""
    exit_ = clean_object(document)
    if _size(exit_) > MAX_BYTES:
        return {name: exit_.get(name) for name in ("schema", "code", "signal", "reason")}
    return exit_


def checked_result(document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What an attempt says it achieved: `summary` and `error` are objects or absent."""
    if document is None:
        return None
    result = clean_object(document)
    for name in ("summary", "error"):
        if not isinstance(result.get(name), dict):
            result.pop(name, None)
    if _size(result) > MAX_BYTES:
        return {"status": result.get("status"), "summary": {}}
    return result


def clean_object(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same object, of texts that every database and every JSON reader can hold."""
    return {clean_text(str(name)[:MAX_TEXT]): _clean(value) for name, value in document.items()}


def clean_text(text: str) -> str:
    """`text` without NUL and lone surrogates, which cannot be stored or sent."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _clean(value: Any) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, str):
        return clean_text(value[:MAX_TEXT])
    if isinstance(value, Mapping):
        return clean_object(value)
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _size(document: Mapping[str, Any]) -> int:
    return len(json.dumps(document))
