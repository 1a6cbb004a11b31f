"""Takes secrets out of what is logged: tokens, passwords in URLs, headers and settings."""

from __future__ import annotations

import re

HIDDEN = "***"

_NAMES = (
    "password",
    "passwd",
    "secret",
    "apikey",
    "api_key",
    "accesskey",
    "access_key",
    "authorization",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
)

_RULES = (
    # Our own tokens of every kind; an attempt's holds the attempt's id and a dot.
    (("pl",), re.compile(r"\bpl[a-z]_[A-Za-z0-9_.-]{16,}"), HIDDEN),
    (
        ("bearer", "basic"),
        re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    # The password of a URL goes up to its last @.
    (("://",), re.compile(r"(://[^\s:/@'\"]*):[^\s/'\"]+@"), rf"\1:{HIDDEN}@"),
    (
        _NAMES,
        re.compile(
            rf"\b([\w-]*(?:{'|'.join(_NAMES)})[\w-]*)"
            r"(['\"]?\s*[=:]\s*['\"]?)(?!bearer |basic )[^\s'\"&,;}]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
)
"""Words in small letters, one of which is in what a rule finds; the pattern; what takes its place. To
look for words takes a tenth of a pattern's time, and most lines have none."""


def redacted(text: str) -> str:
    """`text` without what looks like a secret."""
    small = text.lower() if text.isascii() else None  # a pattern takes some other letters for ours
    for words, pattern, replacement in _RULES:
        if small is None or any(word in small for word in words):
            text = pattern.sub(replacement, text)
    return text
