"""Processor time of a process and everything below it."""

from __future__ import annotations

import psutil


class Tree:
    """A process and its descendants, whose seconds are counted from now on."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._before = _seconds(root)

    def used(self) -> float:
        """Seconds of those that live; what began meanwhile counts whole."""
        now = _seconds(self._root)
        return sum(seconds - self._before.get(key, 0.0) for key, seconds in now.items())


def members(root: int) -> list[psutil.Process]:
    """The process and its descendants; none when it has ended."""
    try:
        top = psutil.Process(root)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _seconds(root: int) -> dict[tuple[int, float], float]:
    """By process id and start, since an id may be given again."""
    found = {}
    for one in members(root):
        try:
            times = one.cpu_times()
            found[one.pid, one.create_time()] = times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return found
