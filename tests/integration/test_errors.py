"""Whatever is sent to the server: an error in its one form, with the next step, and no internals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from pileus.core.status import HTTP
from pileus.jobs.service import JobService
from tests.integration.conftest import ROOT, RunningServer

JOB = {"kind": "command", "command": ["true"]}
FAMILY_STATUS = {family.code: status for family, status in HTTP.items()}
MIB = 1024 * 1024


def error_of(answer: httpx.Response, status: int, family: str) -> dict[str, Any]:
    """The error, after a look at its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"code", "family", "message", "hint", "request_id"}
    assert error["family"] == family
    assert FAMILY_STATUS.get(family, status) == status or status in {405, 413}
    assert error["code"]
    assert error["message"]
    assert error["request_id"] == answer.headers["pileus-request-id"]
    for internal in ("Traceback", 'File "', ".py", "pydantic", "starlette", "fastapi"):
        assert internal not in answer.text
    return error


async def post_job(owner: httpx.AsyncClient, content: Any, **headers: str) -> httpx.Response:
    if isinstance(content, dict):
        return await owner.post(f"{ROOT}/jobs", json=content, headers=headers)
    return await owner.post(
        f"{ROOT}/jobs", content=content, headers={"Content-Type": "application/json"} | headers
    )


class TestBodies:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"\xff\xfe{}",
            b"[]",
            b"null",
            b'"train"',
            b"\x00",
            b"[" * 100_000,
            b'{"kind": ' * 20_000,
        ],
        ids=["nothing", "cut", "no-utf8", "list", "null", "word", "zero", "deep", "deep-object"],
    )
    async def test_what_is_no_document_is_refused(
        self, owner: httpx.AsyncClient, content: bytes
    ) -> None:
        error = error_of(await post_job(owner, content), 422, "invalid_request")

        assert error["hint"]

    @pytest.mark.parametrize(
        "change, place",
        [
            ({"kind": "dream"}, "kind"),
            ({"kind": None}, "kind"),
            ({"command": "true"}, "command"),
            ({"command": [1]}, "command"),
            ({"command": []}, "command"),
            ({"resources": {"cpu": "many"}}, "cpu"),
            ({"resources": {"cpu": -1}}, "cpu"),
            ({"resources": []}, "resources"),
            ({"timeout_seconds": "soon"}, "timeout_seconds"),
            ({"timeout_seconds": 0}, "timeout_seconds"),
            ({"max_attempts": 1.5}, "max_attempts"),
            ({"max_attempts": 10**30}, "max_attempts"),
            ({"priority": 5000}, "priority"),
            ({"env": {"A": 1}}, "env"),
            ({"name": "no / name"}, "name"),
            ({"name": "x" * 1000}, "name"),
            ({"colour": "red"}, "colour"),
        ],
        ids=str,
    )
    async def test_what_does_not_fit_is_named(
        self, owner: httpx.AsyncClient, change: dict[str, Any], place: str
    ) -> None:
        error = error_of(await post_job(owner, JOB | change), 422, "invalid_request")

        assert place in error["message"]
        assert len(error["message"]) < 3000

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
    async def test_a_number_that_json_does_not_have_is_refused(
        self, owner: httpx.AsyncClient, number: str
    ) -> None:
        for place in (f'"timeout_seconds": {number}', f'"resources": {{"cpu": {number}}}'):
            body = f"{json.dumps(JOB)[:-1]}, {place}}}"

            error_of(await post_job(owner, body.encode()), 422, "invalid_request")

    async def test_half_a_character_is_refused(self, owner: httpx.AsyncClient) -> None:
        body = b'{"kind": "command", "command": ["echo", "\\ud800"]}'

        error_of(await post_job(owner, body), 422, "invalid_request")

    async def test_a_form_is_not_a_document(self, owner: httpx.AsyncClient) -> None:
        answer = await owner.post(f"{ROOT}/jobs", data={"kind": "command"})

        error_of(answer, 422, "invalid_request")


class TestSizes:
    async def test_a_huge_body_is_refused_by_its_announcement(
        self, owner: httpx.AsyncClient
    ) -> None:
        error = error_of(await post_job(owner, b" " * (2 * MIB)), 413, "limit_exceeded")

        assert "blobs" in error["hint"]

    async def test_a_huge_body_is_refused_when_it_was_not_announced(
        self, owner: httpx.AsyncClient
    ) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(32):
                yield b" " * (MIB // 8)

        error_of(await post_job(owner, endless()), 413, "limit_exceeded")

    async def test_a_long_address_is_an_error_like_any_other(
        self, owner: httpx.AsyncClient
    ) -> None:
        error_of(await owner.get(f"{ROOT}/datasets/{'x' * 20_000}"), 404, "not_found")


class TestAddresses:
    @pytest.mark.parametrize(
        "path",
        ["/", "/api", "/api/v1", "/api/v2/health", "/api/v1/nothing", f"{ROOT}/nothing", "/..%2f"],
    )
    async def test_an_unknown_route(self, owner: httpx.AsyncClient, path: str) -> None:
        error = error_of(await owner.get(path), 404, "not_found")

        assert error["hint"]

    @pytest.mark.parametrize(
        "method, path",
        [
            ("DELETE", f"{ROOT}/jobs"),
            ("PUT", ROOT),
            ("POST", "/api/v1/health"),
            ("PATCH", f"{ROOT}/bill"),
        ],
    )
    async def test_a_wrong_method(self, owner: httpx.AsyncClient, method: str, path: str) -> None:
        error = error_of(await owner.request(method, path), 405, "not_found")

        assert method in error["message"]

    @pytest.mark.parametrize(
        "path",
        [
            "datasets/none",
            "dataset-versions/dsv_0000000000000000000000000000000000000000",
            "jobs/job_none",
            "jobs/job_none/logs",
            "models/none",
            "models/none/versions/1",
            "endpoints/none",
            f"predictions/prd_{'0' * 26}",
            f"blobs/{'0' * 64}",
            "lineage/dsv_none",
            "why/job_none",
        ],
    )
    async def test_a_thing_that_does_not_exist_is_named(
        self, owner: httpx.AsyncClient, path: str
    ) -> None:
        error = error_of(await owner.get(f"{ROOT}/{path}"), 404, "not_found")

        named = [part for part in path.split("/") if part in error["message"]]
        assert named, error["message"]

    async def test_a_project_that_does_not_exist_looks_like_one_of_others(
        self, owner: httpx.AsyncClient
    ) -> None:
        await owner.post("/api/v1/projects", json={"name": "theirs"})

        errors = [
            error_of(await owner.get(f"/api/v1/projects/{name}/jobs"), 403, "not_allowed")
            for name in ("theirs", "nobodys")
        ]

        assert errors[0]["code"] == errors[1]["code"]
        assert "'nobodys'" in errors[1]["message"]


class TestParameters:
    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=-1",
            "limit=many",
            "limit=100000",
            "filter=status",
            "filter=colour=red",
            "filter=attempts=many",
            "filter=spec=x",
            f"cursor={'x' * 500}",
        ],
    )
    async def test_a_list_refuses_what_it_does_not_know(
        self, owner: httpx.AsyncClient, query: str
    ) -> None:
        error_of(await owner.get(f"{ROOT}/jobs?{query}"), 422, "invalid_request")

    @pytest.mark.parametrize("query", ["since=yesterday", "since=2026-01-01T00:00:00", "until=x"])
    async def test_a_time_that_could_mean_several_moments_is_refused(
        self, owner: httpx.AsyncClient, query: str
    ) -> None:
        error_of(await owner.get(f"{ROOT}/bill?{query}"), 422, "invalid_request")

    @pytest.mark.parametrize("query", ["offset=-1", "wait=1000", "wait=x", "stream=both"])
    async def test_a_log_refuses_what_it_cannot_read(
        self, owner: httpx.AsyncClient, query: str
    ) -> None:
        job = (await post_job(owner, JOB)).json()["id"]

        answer = await owner.get(f"{ROOT}/jobs/{job}/logs?{query}")

        error_of(answer, 422, "invalid_request")

    async def test_an_upload_that_is_not_what_it_says(self, owner: httpx.AsyncClient) -> None:
        for digest in ("0" * 64, "nothex", "0" * 63):
            answer = await owner.put(f"{ROOT}/blobs/{digest}", content=b"x")
            error_of(answer, 422, "invalid_request")


class TestIdempotencyKey:
    async def test_a_key_is_for_one_request(self, owner: httpx.AsyncClient) -> None:
        headers = {"Idempotency-Key": "once"}
        first = await post_job(owner, JOB, **headers)

        again = await post_job(owner, JOB, **headers)
        other = await post_job(owner, JOB | {"command": ["false"]}, **headers)

        assert first.json()["id"] == again.json()["id"]
        error = error_of(other, 409, "conflict")
        assert "'once'" in error["message"]
        assert error["hint"]

    async def test_a_key_that_is_too_long(self, owner: httpx.AsyncClient) -> None:
        answer = await post_job(owner, JOB, **{"Idempotency-Key": "k" * 201})

        error = error_of(answer, 422, "invalid_request")
        assert "idempotency-key" in error["message"].lower()
        assert len(error["message"]) < 3000


class TestRequestId:
    async def test_the_callers_id_comes_back(self, owner: httpx.AsyncClient) -> None:
        headers = {"Pileus-Request-Id": "req_mine"}

        answer = await owner.get(f"{ROOT}/jobs/job_none", headers=headers)

        assert error_of(answer, 404, "not_found")["request_id"] == "req_mine"

    @pytest.mark.parametrize("given", ["two words", "x" * 500, "<script>", ""])
    async def test_an_id_that_could_harm_a_log_is_replaced(
        self, owner: httpx.AsyncClient, given: str
    ) -> None:
        headers = {"Pileus-Request-Id": given}

        answer = await owner.get(f"{ROOT}/jobs/job_none", headers=headers)

        assert error_of(answer, 404, "not_found")["request_id"].startswith("req_")


class TestBugs:
    async def test_a_bug_tells_the_caller_where_to_look_and_nothing_of_itself(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*_: object, **__: object) -> None:
            raise RuntimeError("password=hunter2")

        monkeypatch.setattr(JobService, "job", broken)
        async with server.client(server.owner) as owner:
            answer = await owner.get(f"{ROOT}/jobs/job_none")

        error = error_of(answer, 500, "error")
        assert "hunter2" not in answer.text
        assert "log" in error["hint"]
