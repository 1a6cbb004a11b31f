from datetime import UTC, datetime

from pileus.core.schemas.pipelines import PipelineSpec
from pileus.core.schemas.schedules import for_time


class TestForTime:
    def test_the_time_stands_wherever_it_is_asked_for(self):
        spec = PipelineSpec.model_validate(
            {
                "name": "load",
                "jobs": {
                    "a": {
                        "kind": "command",
                        "command": ["load", "--day=${scheduled_at}", "${other}"],
                        "env": {"AT": "${scheduled_at}"},
                    }
                },
            }
        )

        filled = for_time(spec, datetime(2026, 11, 28, 3, tzinfo=UTC))

        job = filled.jobs["a"]
        assert job.command == ("load", "--day=2026-11-28T03:00:00+00:00", "${other}")
        assert job.env == {"AT": "2026-11-28T03:00:00+00:00"}
        assert job.model_fields_set == {"kind", "command", "env"}
