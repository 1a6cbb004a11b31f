"""Answers of the server about what attempts use."""

from typing import Any

AT = "2026-01-01T12:00:00Z"

ASKED = {"cpu": 1.0, "memory_mib": 512, "disk_mib": 1024, "gpu": 0.0, "gpu_kind": None}
USED = {
    "sampled_at": "2026-01-01T11:59:58Z",
    "is_stale": False,
    "cpu_milli": 980,
    "cpu_ms": 60_000,
    "memory_mib": 104,
    "memory_peak_mib": 110,
    "disk_mib": 3,
    "processes": 2,
}
NODE = {
    "name": "box",
    "is_answering": True,
    "attempts": 1,
    "cpu_milli": {"used": 980, "asked": 1000, "total": 4000},
    "memory_mib": {"used": 104, "asked": 512, "total": 8192},
    "gpu_milli": {"used": None, "asked": 0, "total": 0},
}


def make_item(**fields: Any) -> dict[str, Any]:
    asked, used = ASKED | fields.pop("asked", {}), fields.pop("used", {})
    return {
        "attempt": "att_01m8hjf6k5e4vvt4g9d71rvny4",
        "number": 1,
        "job": "job_01m8hjf6jqfj1r6jsm8aqgynm2",
        "name": "lesson",
        "kind": "command",
        "node": "box",
        "state": "running",
        "granted_at": "2026-01-01T11:58:00Z",
        "started_at": "2026-01-01T11:58:00Z",
        "ended_at": None,
        "asked": asked,
        "used": None if used is None else USED | used,
        "cost_micro": 1234,
    } | fields


def make_top(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    top = {"at": AT, "items": list(items), "has_more": False, "nodes": [NODE], "currency": "USD"}
    return top | fields
