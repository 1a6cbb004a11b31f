"""What this machine has to give to attempts."""

from __future__ import annotations

import csv
import logging
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil

from pileus.compute import processes
from pileus.core.schemas.resources import MILLI, Capacity, Device

log = logging.getLogger(__name__)

_CGROUP = Path("/sys/fs/cgroup")
_MIB = 1024 * 1024
_QUERY_SECONDS = 20.0
_USE_SECONDS = 5.0
_DEVICES = "uuid,name,memory.total"
_USE = "uuid,utilization.gpu"


def boot_id() -> str:
    """Names this boot, on any system."""
    return processes.boot_id() or f"boot-{int(psutil.boot_time())}"


def take(custom: Mapping[str, int], cgroup: Path = _CGROUP) -> Capacity:
    """Processors and memory that we may use, accelerators, and the flavours that were declared."""
    return Capacity(
        cpu_milli=_cpu_milli(cgroup),
        memory_mib=_memory_mib(cgroup),
        devices=nvidia_devices(),
        custom=dict(custom),
    )


def nvidia_devices() -> tuple[Device, ...]:
    """GPUs that the driver's own tool lists; none without it."""
    try:
        return parse_nvidia(_asked_nvidia(_DEVICES, _QUERY_SECONDS))
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("no GPUs: %s", error)
        return ()


def nvidia_use() -> dict[str, int]:
    """Device → thousandths of the last second in which it computed; none that the driver does not
    tell, as of a part of a device."""
    try:
        return parse_nvidia_use(_asked_nvidia(_USE, _USE_SECONDS))
    except (OSError, subprocess.SubprocessError) as error:
        log.debug("use of GPUs is not known: %s", error)
        return {}


def parse_nvidia(listing: str) -> tuple[Device, ...]:
    """Devices in the tool's CSV; a line that is not one, such as a message, is skipped."""
    lines = csv.reader(listing.splitlines(), skipinitialspace=True)
    return tuple(
        Device(id=fields[0], kind=_kind(fields[1]), memory_mib=int(fields[2]))
        for fields in lines
        if len(fields) == 3 and fields[2].strip().isdigit()
    )


def parse_nvidia_use(listing: str) -> dict[str, int]:
    """Use of devices in the tool's CSV, which has percents."""
    lines = csv.reader(listing.splitlines(), skipinitialspace=True)
    return {
        fields[0]: int(fields[1]) * MILLI // 100
        for fields in lines
        if len(fields) == 2 and fields[1].strip().isdigit()
    }


def _asked_nvidia(fields: str, seconds: float) -> str:
    """What the driver's own tool says; nothing where there is none.

    Raises OSError, subprocess.SubprocessError.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    words = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=seconds).stdout


def _kind(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return words if words.startswith("nvidia") else f"nvidia-{words}"


def _cpu_milli(cgroup: Path) -> int:
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        usable = os.cpu_count() or 1
    quota = _cpu_quota(cgroup)
    return usable * MILLI if quota is None else min(usable * MILLI, int(quota * MILLI))


def _cpu_quota(cgroup: Path) -> float | None:
    """Processors that the control group allows; None when it does not limit them."""
    both = _words(cgroup / "cpu.max") or [
        *_words(cgroup / "cpu" / "cpu.cfs_quota_us"),
        *_words(cgroup / "cpu" / "cpu.cfs_period_us"),
    ]
    if len(both) != 2 or not both[0].isdigit() or int(both[1]) == 0:
        return None  # "max" in version 2 and -1 in version 1 mean no limit
    return int(both[0]) / int(both[1])


def _memory_mib(cgroup: Path) -> int:
    total: int = psutil.virtual_memory().total
    for path in (cgroup / "memory.max", cgroup / "memory" / "memory.limit_in_bytes"):
        words = _words(path)
        if words and words[0].isdigit():
            total = min(total, int(words[0]))
    return total // _MIB


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:
        return []
