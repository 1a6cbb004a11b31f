"""Paths that end as their files' format says, none of them taken twice."""

from __future__ import annotations

from pathlib import PurePosixPath

ENDINGS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "pgm": ".pgm", "ppm": ".ppm"}
_SAME = {ending: form for form, ending in ENDINGS.items()} | {".jpeg": "jpeg"}


class Endings:
    """Gives each path the ending of a format; a second `a.jpg` stays `a.bmp.jpg`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def path(self, path: str, form: str) -> str:
        """The path of what was at `path`, in this format (a key of ENDINGS)."""
        old = PurePosixPath(path)
        if _SAME.get(old.suffix.lower()) == form:
            wanted = path
        else:
            wanted = str(old.with_suffix(ENDINGS[form]))
        while wanted in self._taken:
            old = old.with_name(old.name + ENDINGS[form])
            wanted = str(old)
        self._taken.add(wanted)
        return wanted
