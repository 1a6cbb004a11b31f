import json
import os
import signal
import subprocess
import sys

import pytest

from pileus.compute.attempt import pileus_attempt
from pileus.compute.attempt.pileus_attempt import Attempt, NotAnAttempt
from tests.unit.compute.building import make_directory


@pytest.fixture
def layout(tmp_path):
    return make_directory(tmp_path)


@pytest.fixture
def attempt(layout):
    return Attempt(layout.directory)


def points(layout):
    return [json.loads(line) for line in layout.metrics.read_text().splitlines()]


class TestCurrent:
    def test_it_is_found_through_the_environment(self, layout, monkeypatch):
        monkeypatch.setenv("PILEUS_ATTEMPT_DIR", str(layout.directory))
        monkeypatch.setattr(pileus_attempt, "_listen", lambda request_stop: None)

        attempt = Attempt.current()

        assert attempt is Attempt.current()
        assert (attempt.attempt_id, attempt.job_id) == ("att_1", "job_1")
        assert attempt.params == {"epochs": 3}

    def test_outside_of_an_attempt_it_says_what_to_do(self, monkeypatch):
        monkeypatch.delenv("PILEUS_ATTEMPT_DIR", raising=False)

        with pytest.raises(NotAnAttempt, match="pileus run"):
            Attempt.current()

    def test_a_signal_to_stop_is_noted_and_does_not_end_the_process(self, layout, monkeypatch):
        monkeypatch.setenv("PILEUS_ATTEMPT_DIR", str(layout.directory))
        before = signal.getsignal(signal.SIGTERM)
        try:
            attempt = Attempt.current()

            os.kill(os.getpid(), signal.SIGTERM)

            assert attempt.stop_requested
        finally:
            signal.signal(signal.SIGTERM, before)


class TestInputs:
    def test_an_input_is_a_directory(self, attempt, layout):
        (layout.inputs / "data").mkdir()

        assert attempt.input("data") == layout.inputs / "data"

    def test_one_that_was_not_declared_names_those_that_were(self, attempt, layout):
        (layout.inputs / "data").mkdir()

        with pytest.raises(KeyError, match=r"'labels'.*\['data'\]"):
            attempt.input("labels")

    def test_a_fresh_start_has_no_checkpoint(self, attempt, layout):
        assert attempt.checkpoint is None

        (layout.inputs / "checkpoint").mkdir()

        assert attempt.checkpoint == layout.inputs / "checkpoint"

    def test_the_token_is_read_from_its_file(self, attempt, layout, monkeypatch):
        layout.token.write_text("pla_1\n")
        monkeypatch.setenv("PILEUS_ATTEMPT_TOKEN_FILE", str(layout.token))

        assert attempt.token == "pla_1"


class TestLogMetric:
    def test_each_point_is_a_line(self, attempt, layout):
        attempt.log_metric("loss", 0.5, 3)
        attempt.log_metric("accuracy", 1)

        assert [(p["name"], p["value"], p["step"]) for p in points(layout)] == [
            ("loss", 0.5, 3),
            ("accuracy", 1.0, 0),
        ]

    def test_without_a_step_it_is_the_next_one(self, attempt, layout):
        attempt.log_metric("loss", 0.5, 3)
        attempt.log_metric("loss", 0.4)

        assert [point["step"] for point in points(layout)] == [3, 4]

    def test_half_a_line_that_a_killed_process_left_does_not_spoil_the_next(self, attempt, layout):
        layout.metrics.write_text('{"name": "lo')

        attempt.log_metric("loss", 0.5)

        assert json.loads(layout.metrics.read_text().splitlines()[1])["name"] == "loss"


class TestEnd:
    def test_a_success_has_its_summary(self, attempt, layout):
        attempt.finish({"accuracy": 0.9})

        assert json.loads(layout.result.read_text()) == {
            "schema": 1,
            "status": "succeeded",
            "error": None,
            "summary": {"accuracy": 0.9},
        }
        assert attempt.is_finished
        assert not attempt.has_failed

    def test_a_failure_has_its_reason(self, attempt, layout):
        attempt.fail("no_rows", "the table is empty", "add rows")

        result = json.loads(layout.result.read_text())
        assert result["status"] == "failed"
        assert result["error"] == {
            "code": "no_rows",
            "message": "the table is empty",
            "hint": "add rows",
        }
        assert attempt.has_failed

    def test_a_preemption_is_neither(self, attempt, layout):
        attempt.preempted()

        assert json.loads(layout.result.read_text())["status"] == "preempted"

    def test_no_temporary_file_stays(self, attempt, layout):
        attempt.finish()

        assert not [path for path in layout.directory.iterdir() if path.name.startswith(".")]


class TestImport:
    def test_it_needs_the_standard_library_only(self):
        process = subprocess.run(
            [sys.executable, "-I", "-S", pileus_attempt.__file__], check=False, timeout=30
        )

        assert process.returncode == 0
