import json

import httpx
import pytest

from pileus.core import errors
from pileus.sdk.api import Api


class Server:
    """Answers in order and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def make_api(server, patience_seconds=10.0, project="default"):
    return Api(
        "http://pileus.test",
        "plt_secret",
        project,
        patience_seconds,
        httpx.MockTransport(server),
        sleep=lambda _: None,
    )


def refusal(status, **body):
    return httpx.Response(status, json={"error": body})


class TestCall:
    def test_every_call_carries_token_and_request_id(self):
        server = Server(httpx.Response(200, json={}))

        make_api(server).get("/api/v1/me")

        headers = server.requests[0].headers
        assert headers["Authorization"] == "Bearer plt_secret"
        assert headers["X-Request-Id"].startswith("req_")

    def test_the_family_is_raised_with_the_code_of_the_server(self):
        server = Server(
            refusal(404, code="job_not_found", family="not_found", message="no", hint="look")
        )

        with pytest.raises(errors.NotFound) as caught:
            make_api(server).get("/x")

        assert (caught.value.code, caught.value.hint) == ("job_not_found", "look")

    def test_an_answer_that_is_no_error_body_still_raises(self):
        server = Server(httpx.Response(500, text="<html>"))

        with pytest.raises(errors.PileusError, match="GET /x answered 500, request req_"):
            make_api(server).get("/x")

    def test_an_unavailable_server_is_asked_again(self):
        server = Server(
            refusal(503, code="unavailable", family="unavailable", message="soon", hint=None),
            httpx.ConnectError("refused"),
            httpx.Response(200, json={"ok": True}),
        )

        assert make_api(server).get("/x") == {"ok": True}
        ids = {request.headers["X-Request-Id"] for request in server.requests}
        assert (len(server.requests), len(ids)) == (3, 1)

    def test_a_server_that_stays_away_is_unavailable(self):
        server = Server(httpx.ConnectError("refused"))

        with pytest.raises(errors.Unavailable, match="refused") as caught:
            make_api(server, patience_seconds=0).get("/x")

        assert "pileus up" in str(caught.value.hint)

    def test_other_errors_are_not_repeated(self):
        server = Server(refusal(409, code="conflict", family="conflict", message="no", hint=None))

        with pytest.raises(errors.Conflict):
            make_api(server).get("/x")

        assert len(server.requests) == 1


class TestCreate:
    def test_a_repeat_carries_the_same_key(self):
        server = Server(httpx.ReadError("cut"), httpx.Response(201, json={"id": "1"}))

        make_api(server).create("/x", {"name": "a"})

        keys = {request.headers["Idempotency-Key"] for request in server.requests}
        assert (len(server.requests), len(keys)) == (2, 1)
        assert json.loads(server.requests[1].content) == {"name": "a"}

    def test_two_creates_have_different_keys(self):
        server = Server(httpx.Response(201, json={}))
        api = make_api(server)

        api.create("/x", {})
        api.create("/x", {})

        assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 2


class TestItems:
    def test_pages_follow_the_cursor_to_its_end(self):
        server = Server(
            httpx.Response(200, json={"items": [{"id": 1}], "next": "c"}),
            httpx.Response(200, json={"items": [{"id": 2}], "next": None}),
        )

        items = list(make_api(server).items("/x", {"status": "queued", "kind": "train"}))

        assert [item["id"] for item in items] == [1, 2]
        assert server.requests[0].url.params["filter"] == "status=queued,kind=train"
        assert "cursor" not in server.requests[0].url.params
        assert server.requests[1].url.params["cursor"] == "c"


class TestPath:
    def test_names_of_any_script_are_quoted(self):
        path = make_api(Server(), project="grüße").path("datasets", "a/b")

        assert path == "/api/v1/projects/gr%C3%BC%C3%9Fe/datasets/a%2Fb"


class TestApi:
    @pytest.mark.parametrize("token", ["é", "two\nlines"])
    def test_a_token_that_no_header_can_carry_is_refused(self, token):
        with pytest.raises(errors.NotAuthenticated):
            Api("http://pileus.test", token, "default", 0)

    @pytest.mark.parametrize("url", ["nonsense", "ftp://host", "http://"])
    def test_what_is_no_url_is_refused(self, url):
        with pytest.raises(errors.InvalidRequest, match="is not the URL of a server"):
            Api(url, "plt_x", "default", 0)
