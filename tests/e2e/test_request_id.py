"""One request id from the command line to server, worker, attempt and gateway; no secret on the way."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from pileus.core.errors import Unavailable
from pileus.sdk import Client
from tests.e2e.conftest import Digits
from tests.e2e.installation import Installation, exit_code, until

SCRIPT = """
import os
from pileus_attempt import Attempt
print(os.environ["PILEUS_ATTEMPT_REQUEST_ID"], Attempt.current().request_id)
"""
TOKEN = re.compile(r"pl[a-z]_[A-Za-z0-9_-]{20,}")


def logged(installation: Installation, request: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = installation.cli("logs", "--request", request)
    return found


class TestStory:
    def test_of_a_job_is_told_by_every_process_under_one_id(self, calm: Installation) -> None:
        job = calm.cli("run", "--", "python", "-c", SCRIPT)

        request = job["request_id"]
        assert calm.log(job["id"]).split() == [request, request]
        until(
            lambda: any("has ended" in line["message"] for line in logged(calm, request)),
            seconds=10,
        )
        lines = logged(calm, request)
        assert {line["process"] for line in lines} == {"server", "worker"}
        text = "\n".join(line["message"] for line in lines)
        for said in (r"POST /api/v1/.*/jobs 201", "was granted", "is ordered", "is over"):
            assert re.search(said, text), said
        assert {line["job"] for line in lines if "job" in line} == {job["id"]}
        [event] = [e for e in calm.cli("audit", "list") if e["subject"] == job["id"]]
        assert event["detail"]["request"] == request

    def test_of_a_prediction_is_in_the_answer_the_log_and_the_record(
        self, calm: Installation, digits: Digits
    ) -> None:
        answer = httpx.post(
            f"{calm.gateway_url}/v2/models/digits/infer",
            content=digits.image.read_bytes(),
            headers={
                "Authorization": f"Bearer {calm.token}",
                "Content-Type": "image/png",
                "X-Request-Id": "req_of_the_test",
            },
        )

        assert answer.headers["x-request-id"] == "req_of_the_test"
        prediction = answer.headers["pileus-prediction-id"]
        [line] = logged(calm, "req_of_the_test")
        assert line["process"] == "gateway"
        assert prediction in line["message"]

        def record() -> Any:
            done = calm.run("lineage", prediction, "--json")
            return done.returncode == 0

        until(record, seconds=10)
        with calm.client() as client:
            assert client.predictions.get(prediction)["request_id"] == "req_of_the_test"

    def test_of_a_client_is_that_of_its_predictions(
        self, calm: Installation, digits: Digits
    ) -> None:
        with Client.from_home(calm.home, request_id="req_of_a_client") as client:
            answer = client.predictions.predict("digits", digits.image)
            prediction = answer["parameters"]["prediction_id"]

        [line] = logged(calm, "req_of_a_client")
        assert line["process"] == "gateway"
        assert prediction in line["message"]

    def test_of_a_training_is_told_by_server_and_worker(
        self, calm: Installation, digits: Digits
    ) -> None:
        request = digits.job["request_id"]

        lines = logged(calm, request)

        assert {line["process"] for line in lines} >= {"server", "worker"}
        assert any("has ended" in line["message"] for line in lines)

    def test_of_a_failure_is_printed_and_found(self, calm: Installation) -> None:
        done = calm.run("job", "show", "job_nothing")

        [request] = re.findall(r"request (req_\w+)", done.stderr)
        assert any("404" in line["message"] for line in logged(calm, request))


class TestLogs:
    def test_each_line_is_an_object_of_its_process(
        self, calm: Installation, digits: Digits
    ) -> None:
        for process in ("supervisor", "server", "gateway", "worker"):
            lines = (calm.home / "logs" / f"{process}.jsonl").read_text("utf-8").splitlines()
            found = [json.loads(line) for line in lines]
            assert {line["process"] for line in found} == {process}
            assert all(line.keys() >= {"time", "level", "logger", "message"} for line in found)

    def test_no_file_of_the_story_holds_a_secret(self, calm: Installation, digits: Digits) -> None:
        run, keys = calm.home / "run", calm.home / "keys"
        secrets = {
            calm.token,
            *(path.read_text("utf-8").strip() for path in run.glob("*.token")),
            *(path.read_text("utf-8").strip() for path in keys.iterdir()),
        }
        assert len(secrets) >= 5
        files = [*(calm.home / "logs").iterdir(), *(calm.home / "worker").glob("*.log")]

        for path in files:
            text = path.read_text("utf-8", "replace")
            assert [secret for secret in secrets if secret in text] == [], path
            assert TOKEN.findall(text) == [], path


class TestMetrics:
    @pytest.mark.parametrize("process", ["server", "gateway"])
    def test_are_read_with_the_token_in_the_home(
        self, calm: Installation, digits: Digits, process: str
    ) -> None:
        calm.cli("predict", "digits", str(digits.image))
        url = f"http://127.0.0.1:{calm.document('ports.json')[process]}/metrics"
        token = (calm.home / "run" / "metrics.token").read_text("utf-8").strip()

        answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 200
        assert "pileus_build_info" in answer.text
        assert ('outcome="ok"' in answer.text) is (process == "gateway")
        assert httpx.get(url).status_code == 401


class TestDoctor:
    def test_finds_a_running_installation_well(self, calm: Installation) -> None:
        found = {finding["check"]: finding for finding in calm.cli("doctor")}

        for check in ("server port", "gateway port", "server answers", "gateway answers"):
            assert found[check]["state"] == "ok", found[check]
        for check in ("server clock", "node clock", "worker version", "database version", "keys"):
            assert found[check]["state"] == "ok", found[check]

    def test_what_fails_is_the_exit_code(self, calm: Installation) -> None:
        keys = calm.home / "keys"
        keys.chmod(0o755)
        try:
            done = calm.run("doctor")
        finally:
            keys.chmod(0o700)

        assert done.returncode == exit_code(Unavailable)
        assert f"chmod 0700 {keys}" in done.stdout
