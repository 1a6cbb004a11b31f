"""Paths of items: one spelling on every machine, and none that leaves its folder."""

from __future__ import annotations

import unicodedata

MAX_BYTES = 1024
_LEADS_OUT = "does not stay inside its folder"


def path_fault(path: str) -> str | None:
    """What is wrong with the path of an item, as the end of a sentence; None if nothing is."""
    if path.isascii() and path.isprintable() and len(path) <= MAX_BYTES and "\\" not in path:
        around = f"/{path}/"  # most paths, and there may be millions
        leads_out = "//" in around or "/./" in around or "/../" in around
        return _LEADS_OUT if leads_out else None
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "is not UTF-8"
    if size > MAX_BYTES:
        return f"has {size} bytes; {MAX_BYTES} is the most"
    if unicodedata.normalize("NFC", path) != path:
        return "is not in NFC"
    if "\\" in path or any(unicodedata.category(letter) == "Cc" for letter in path):
        return "has a backslash or a control character"
    return _LEADS_OUT if any(part in {"", ".", ".."} for part in path.split("/")) else None
