"""Unicode NFC: of the ways to write a letter with an accent, the one that a version holds."""

from __future__ import annotations

import unicodedata


def composed(text: str) -> str:
    """`text` in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_composed(text: str) -> bool:
    """Whether `text` is in NFC."""
    return text.isascii() or unicodedata.is_normalized("NFC", text)


def notice(count: int, what: str) -> str:
    """What is said of texts that were changed: some may have been two spellings of one."""
    return (
        f"{what} with letters and accents apart, now composed (Unicode NFC) so that one text is"
        f" one value: {count:,}"
    )
