from __future__ import annotations

from rich.text import Text

from pileus.cli.commands.pipeline import drawn


def step(name, status, *needs, **more):
    document = {"name": name, "status": status, "needs": needs, "job": f"job_{name}"}
    return document | {"reason": None, "reused": None} | more


class TestDrawn:
    def test_each_job_is_as_deep_as_the_longest_way_to_it(self):
        steps = [
            step("a", "succeeded", reused="job_z", reason="Has the result of job_z"),
            step("b", "failed", "a", reason="Exited with code [1]"),
            step("c", "cancelled", "a", "b"),
            step("d", None, job=None),
        ]

        lines = [Text.from_markup(line).plain for line in drawn(steps)]

        assert lines == [
            "✓ a  succeeded  job_a  result of job_z",
            "   ✗ b  failed  job_b  after a  Exited with code [1]",
            "      ⊘ c  cancelled  job_c  after a, b",
            "? d  deleted",
        ]
