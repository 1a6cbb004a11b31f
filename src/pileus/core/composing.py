"""Unicode NFC: of the ways to write a letter with an accent, the one that a version holds."""

from __future__ import annotations

import unicodedata


def composed(text: str) -> str:
    """`text` in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_composed(text: str) -> bool:
    """Whether `text` is in NFC."""
    return text.isascii() or unicodedata.is_normalized("NFC", text)
