"""
Memory of processes where no control group counts it, read from /proc.

Counted is what the kernel could not take back: anonymous and shared memory, each page divided by
the processes that share it (proportional set size). The address space says nothing: torch maps
many times what it uses, so RLIMIT_AS would end what is well within its memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
_COUNTED = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_RESIDENT = 1
"""Field of /proc/PID/statm."""


def used_bytes(pids: Iterable[int], limit_bytes: int) -> int:
    """
    What the processes use together: exactly where that may be beyond the limit, else at most.

    The quick sum counts shared pages again and again and files too, so it is never too low. The
    exact one walks the page tables, which is worth it only when it decides.
    """
    living = list(pids)
    most = sum(map(_resident, living))
    return most if most <= limit_bytes else exactly_used_bytes(living)


def exactly_used_bytes(pids: Iterable[int]) -> int:
    """What the processes use together, however long that takes to find out."""
    return sum(map(_proportional, pids))


def _resident(pid: int) -> int:
    try:
        fields = (_PROC / str(pid) / "statm").read_text(encoding="utf-8").split()
    except OSError:
        return 0
    return int(fields[_RESIDENT]) * _PAGE_BYTES


def _proportional(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:  # gone, or a kernel before 4.14
        return 0
    counted = [line.split() for line in lines if line.startswith(_COUNTED)]
    return sum(int(words[1]) for words in counted) * 1024
