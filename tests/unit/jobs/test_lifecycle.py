"""How an attempt's end moves its job."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.jobs import (
    Attempt,
    AttemptStatus,
    Job,
    JobSpec,
    JobStatus,
    StopReason,
)
from pileus.core.schemas.resources import Resources
from pileus.jobs.lifecycle import CURABLE, ended_job, judge
from pileus.jobs.settings import JobsSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def make_job(*, kind: str = "command", stop: StopReason | None = None, failures: int = 0) -> Job:
    if kind == "train":
        spec = JobSpec(kind="train", recipe="cnn", dataset="digits")
    else:
        spec = JobSpec(kind="command", command=("true",), timeout_seconds=60)
    return Job(
        id="job_1",
        project="prj_1",
        created_at=NOW,
        kind=kind,
        name=None,
        status=JobStatus.RUNNING,
        spec=spec,
        inputs=(),
        params={},
        dataset_version=None,
        code_digest="",
        priority=0,
        submitted_by="prn_1",
        stop_requested=stop,
        failures=failures,
    )


ATTEMPT = Attempt(
    id="att_1",
    project="prj_1",
    created_at=NOW,
    job="job_1",
    number=1,
    node="nod_1",
    status=AttemptStatus.RUNNING,
)


class TestJudge:
    def test_a_command_succeeds_by_exit_code_zero(self) -> None:
        end = judge(make_job(), ATTEMPT, {"reason": "exited", "code": 0}, None)

        assert (end.attempt, end.job) == (AttemptStatus.SUCCEEDED, JobStatus.SUCCEEDED)

    def test_a_recipe_that_leaves_no_result_has_not_succeeded(self) -> None:
        end = judge(make_job(kind="train"), ATTEMPT, {"reason": "exited", "code": 0}, None)

        assert end.job is JobStatus.FAILED
        assert end.reason is not None
        assert "no result" in end.reason

    def test_the_error_that_a_recipe_reports_is_the_reason(self) -> None:
        result = {"status": "failed", "error": {"message": "loss is nan", "hint": "lower it"}}

        end = judge(make_job(kind="train"), ATTEMPT, {"reason": "exited", "code": 1}, result)

        assert (end.job, end.reason, end.hint) == (JobStatus.FAILED, "loss is nan", "lower it")

    @pytest.mark.parametrize("reason", sorted(CURABLE))
    def test_what_says_nothing_about_the_job_is_tried_again(self, reason: str) -> None:
        end = judge(make_job(), ATTEMPT, {"reason": reason, "code": None}, None)

        assert (end.attempt, end.job) == (AttemptStatus.FAILED, JobStatus.QUEUED)

    def test_the_last_try_is_the_last(self) -> None:
        end = judge(make_job(failures=2), ATTEMPT, {"reason": "runner_lost"}, None)

        assert end.job is JobStatus.FAILED

    def test_a_cancelled_job_is_cancelled_even_when_its_runner_vanished(self) -> None:
        job = make_job(stop=StopReason.CANCEL)

        end = judge(job, ATTEMPT, {"reason": "runner_lost"}, None)

        assert end.job is JobStatus.CANCELLED

    def test_a_request_to_cancel_that_came_too_late_does_not_undo_success(self) -> None:
        job = make_job(stop=StopReason.CANCEL)

        end = judge(job, ATTEMPT, {"reason": "exited", "code": 0}, None)

        assert end.job is JobStatus.SUCCEEDED

    def test_a_preempted_job_waits_again_without_counting_a_failure(self) -> None:
        job = make_job(kind="train", stop=StopReason.PREEMPT)

        end = judge(job, ATTEMPT, {"reason": "preempt", "code": 0}, {"status": "preempted"})

        assert (end.attempt, end.job, end.is_failure) == (
            AttemptStatus.STOPPED,
            JobStatus.QUEUED,
            False,
        )

    def test_a_timeout_names_the_limit(self) -> None:
        end = judge(make_job(), ATTEMPT, {"reason": "timeout", "signal": 15}, None)

        assert end.reason == "Stopped after its timeout of 60 s"

    def test_out_of_memory_tells_peak_and_limit_and_what_to_ask_for(self) -> None:
        exit_ = {"reason": "out_of_memory", "signal": 9, "peak_memory_mib": 530, "peak_rss_mib": 90}

        end = judge(make_job(), ATTEMPT, exit_, None)

        assert end.job is JobStatus.FAILED
        assert end.reason == "Ran out of memory: used 530 MiB, asked for 512 MiB"
        assert end.hint == "Ask for more: --memory 1Gi."

    def test_out_of_disk_tells_what_was_written_and_what_to_ask_for(self) -> None:
        job = make_job()
        spec = job.spec.model_copy(update={"resources": Resources(disk_mib=100)})
        exit_ = {"reason": "disk_full", "code": 1, "peak_disk_mib": 101}

        end = judge(job.model_copy(update={"spec": spec}), ATTEMPT, exit_, None)

        assert end.job is JobStatus.FAILED
        assert end.reason == "Ran out of disk: wrote 101 MiB, asked for 100 MiB"
        assert end.hint == "Ask for more: --disk 256Mi."

    def test_a_secret_that_is_gone_ends_the_job_and_is_not_tried_again(self) -> None:
        exit_ = {"reason": "secret_missing", "code": None, "message": "Secret 'PW' not found"}

        end = judge(make_job(), ATTEMPT, exit_, None)

        assert (end.job, end.reason) == (JobStatus.FAILED, "Secret 'PW' not found")
        assert "pileus secret set" in str(end.hint)

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "reason": st.sampled_from(
                    ["exited", "timeout", "cancel", "preempt", "out_of_memory", *CURABLE, "?"]
                ),
                "code": st.none() | st.integers(0, 255),
                "signal": st.none() | st.integers(1, 31),
                "message": st.sampled_from([None, "boom"]),
            },
        ),
        st.none() | st.fixed_dictionaries({"status": st.sampled_from(["succeeded", "failed"])}),
        st.sampled_from(["command", "train"]),
        st.sampled_from([None, *StopReason]),
    )
    def test_every_end_moves_the_job_out_of_running_and_says_why(
        self,
        exit_: dict[str, Any],
        result: dict[str, Any] | None,
        kind: str,
        stop: StopReason | None,
    ) -> None:
        job = make_job(kind=kind, stop=stop if stop is not StopReason.TIMEOUT else None)

        end = judge(job, ATTEMPT, exit_, result)

        assert end.attempt.is_final
        assert end.job is not JobStatus.RUNNING
        assert end.job is JobStatus.SUCCEEDED or end.reason


class TestEndedJob:
    def test_the_wait_before_a_retry_doubles_up_to_its_limit(self) -> None:
        settings = JobsSettings(retry_seconds=2, retry_seconds_max=5)

        waits = []
        for failures in range(3):
            job = make_job(failures=failures)
            job = job.model_copy(update={"spec": job.spec.model_copy(update={"max_attempts": 9})})
            end = judge(job, ATTEMPT, {"reason": "runner_lost"}, None)
            after = ended_job(job, end, None, NOW, settings)
            assert after.not_before is not None
            waits.append((after.not_before - NOW).total_seconds())

        assert waits == [2, 4, 5]

    def test_a_final_job_keeps_what_its_attempt_summed_up(self) -> None:
        job = make_job(kind="train")
        result = {"status": "succeeded", "summary": {"accuracy": 0.99}}
        end = judge(job, ATTEMPT, {"reason": "exited", "code": 0}, result)

        after = ended_job(job, end, result, NOW, JobsSettings())

        assert (after.status, after.ended_at, after.summary) == (
            JobStatus.SUCCEEDED,
            NOW,
            {"accuracy": 0.99},
        )
