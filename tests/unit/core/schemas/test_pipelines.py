from __future__ import annotations

import pytest
from pydantic import ValidationError

from pileus.core.schemas.pipelines import PipelineSpec


def spec(**needs):
    jobs = {
        name: {"kind": "command", "command": ["true"], "needs": list(of)}
        for name, of in needs.items()
    }
    return PipelineSpec.model_validate({"name": "p", "jobs": jobs})


class TestPipelineSpec:
    def test_a_need_that_is_no_job_is_refused(self):
        with pytest.raises(ValidationError, match="job 'b' needs 'x', which is none of 'a', 'b'"):
            spec(a="", b="x")

    def test_a_circle_is_refused_with_its_path(self):
        with pytest.raises(ValidationError, match=r"in a circle: .*'a' → 'c' → 'b'"):
            spec(a="c", b="a", c="b")

    def test_a_job_that_needs_itself_is_a_circle(self):
        with pytest.raises(ValidationError, match="'a' → 'a'"):
            spec(a="a")

    def test_what_is_read_is_needed(self):
        read = {"kind": "command", "command": ["true"], "inputs": [{"name": "m", "job": "gone"}]}

        with pytest.raises(ValidationError, match="job 'a' needs 'gone'"):
            PipelineSpec.model_validate({"name": "p", "jobs": {"a": read}})
