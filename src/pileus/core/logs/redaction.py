"""Takes secrets out of what is logged: tokens, passwords in URLs, headers and settings."""

from __future__ import annotations

import re

HIDDEN = "***"

_RULES = (
    # Our own tokens of every kind; an attempt's holds the attempt's id and a dot.
    (re.compile(r"\bpl[a-z]_[A-Za-z0-9_.-]{16,}"), HIDDEN),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # The password of a URL goes up to its last @.
    (re.compile(r"(://[^\s:/@'\"]*):[^\s/'\"]+@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"\b([\w-]*(?:password|passwd|secret|api_?key|access_?key|authorization"
            r"|x-amz-signature|x-amz-credential|x-amz-security-token)[\w-]*)"
            r"(['\"]?\s*[=:]\s*['\"]?)(?!bearer |basic )[^\s'\"&,;}]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
)


def redacted(text: str) -> str:
    """`text` without what looks like a secret."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
