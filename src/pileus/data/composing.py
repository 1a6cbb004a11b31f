"""What is said of texts that were composed."""

from __future__ import annotations


def notice(count: int, what: str) -> str:
    """What is said of texts that were changed: some may have been two spellings of one."""
    return (
        f"{what} with letters and accents apart, now composed (Unicode NFC) so that one text is"
        f" one value: {count:,}"
    )
