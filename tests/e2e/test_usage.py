"""What a job uses, as its owner sees it while it runs and once it has ended."""

from __future__ import annotations

import sys
from typing import Any

from tests.e2e.installation import Installation, until

BURNER = (
    "import time\n"
    "held = bytearray(100 << 20)\n"
    "open('file', 'wb').write(b'x' * (8 << 20))\n"
    "until = time.monotonic() + 60\n"
    "while time.monotonic() < until: pass\n"
)


def test_a_job_that_burns_a_core_and_holds_memory_shows_it(calm: Installation) -> None:
    words = ("--name", "burner", "--memory", "512m", "--", sys.executable, "-c", BURNER)
    job = calm.cli("run", "--detach", *words)

    def shown() -> Any:
        """It, once it has had time to come up."""
        found = [item for item in calm.cli("job", "top")["items"] if item["job"] == job["id"]]
        is_up = found and found[0]["used"] and found[0]["used"]["cpu_ms"] > 500
        return found[0] if is_up else None

    try:
        while_up = until(shown, seconds=60)
        load = calm.cli("job", "top")["nodes"][0]
        text = calm.cli("job", "show", job["id"], json=False)
    finally:
        calm.cli("job", "cancel", job["id"])
    calm.ended(job["id"])
    usage = calm.cli("job", "show", job["id"])["usage"]

    used = while_up["used"]
    assert (while_up["name"], while_up["state"]) == ("burner", "running")
    # Others work on this machine too: how much of a core it gets is not in our hands.
    assert 50 < used["cpu_milli"] < 1500
    assert 100 <= used["memory_mib"] <= used["memory_peak_mib"] < 150
    assert 8 <= used["disk_mib"] < 12
    assert (used["processes"], used["is_stale"]) == (1, False)
    assert while_up["cost_micro"] > 0
    assert load["cpu_milli"]["used"] >= 50
    assert load["memory_mib"]["used"] >= 100
    assert "of 512M" in text
    [over] = usage["items"]
    assert over["used"]["cpu_ms"] >= used["cpu_ms"]
    assert 100 <= over["used"]["memory_peak_mib"] < 200
    assert over["cost_micro"] >= while_up["cost_micro"]
    with calm.client() as client:
        spent = sum(e["amount_micro"] for e in client.bill.ledger() if e["subject"] == job["id"])
    assert abs(spent - over["cost_micro"]) <= 2
