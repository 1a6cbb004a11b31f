import importlib
import json

import httpx
import pytest

from pileus.sdk import Client
from pileus.sdk.errors import NoResult


class Log:
    """The log route over a list of chunks; the last is final."""

    def __init__(self, *chunks):
        self.content = b"".join(chunks)
        self.sizes = [len(chunk) for chunk in chunks]
        self.waits: list[str] = []

    def __call__(self, request):
        offset = int(request.url.params["offset"])
        self.waits.append(request.url.params["wait"])
        size = self.sizes.pop(0) if self.sizes else 0
        end = offset + size
        return httpx.Response(
            200,
            content=self.content[offset:end],
            headers={
                "Pileus-Next-Offset": str(end),
                "Pileus-Final": "false" if self.sizes else "true",
            },
        )


def client_of(handler):
    return Client("http://pileus.test", "plt_x", transport=httpx.MockTransport(handler))


class TestLogs:
    def test_following_yields_chunks_until_the_end(self):
        log = Log(b"one\n", b"", b"two\n")

        chunks = list(client_of(log).jobs.follow_logs("job_1"))

        assert chunks == [b"one\n", b"two\n"]
        assert set(log.waits) == {"15"}

    def test_reading_does_not_wait(self):
        log = Log(b"one\n")

        assert client_of(log).jobs.logs("job_1") == b"one\n"
        assert set(log.waits) == {"0"}

    def test_reading_an_empty_log_of_a_running_job_ends(self):
        log = Log(b"", b"never read")

        assert client_of(log).jobs.logs("job_1") == b""


class TestWait:
    def test_it_ends_with_the_first_final_status(self):
        statuses = ["queued", "running", "succeeded"]

        def answer(request):
            return httpx.Response(200, json={"id": "job_1", "status": statuses.pop(0)})

        job = client_of(answer).jobs.wait("job_1", every_seconds=0)

        assert job["status"] == "succeeded"


class TestArtifact:
    @pytest.mark.parametrize(
        "path,url",
        [("a.txt", "/artifacts/a.txt"), ("bundle/ü b", "/artifacts/bundle/%C3%BC%20b")],
    )
    def test_the_path_keeps_its_directories(self, path, url):
        seen = []

        def answer(request):
            seen.append(request.url.raw_path.decode())
            return httpx.Response(200, content=b"x")

        assert client_of(answer).jobs.artifact("job_1", path) == b"x"
        assert seen[0].endswith(url)


class TestRun:
    def test_a_function_becomes_a_command_with_its_code(self, tmp_path, monkeypatch):
        (tmp_path / "lesson_of_a_job.py").write_text("def learn(rate):\n    return rate\n")
        monkeypatch.syspath_prepend(tmp_path)
        learn = importlib.import_module("lesson_of_a_job").learn
        sent = []

        def answer(request):
            if request.url.path.endswith("/use"):
                return httpx.Response(200, json={"id": "code_1"})
            sent.append(json.loads(request.content))
            return httpx.Response(201, json={"id": "job_1"})

        client_of(answer).jobs.run(learn, 0.1, spec={"name": "lesson"})

        (spec,) = sent
        assert (spec["kind"], spec["code"], spec["name"]) == ("command", "code_1", "lesson")
        assert spec["command"][3:] == ["lesson_of_a_job:learn", '{"args": [0.1], "kwargs": {}}']


class TestResult:
    def test_it_is_what_the_function_returned(self):
        job = {"status": "succeeded", "summary": {"result": [1, None]}}

        assert client_of(lambda _: httpx.Response(200, json=job)).jobs.result("job_1") == [1, None]

    @pytest.mark.parametrize(
        "status, reason, why",
        [("failed", "ValueError: x", "ValueError"), ("succeeded", None, "no f")],
    )
    def test_without_one_it_says_why(self, status, reason, why):
        job = {"status": status, "summary": {}, "reason": reason, "hint": None}

        with pytest.raises(NoResult, match=why):
            client_of(lambda _: httpx.Response(200, json=job)).jobs.result("job_1")
