import asyncio
import json

import pytest

from pileus.server.api.interrupting import Interrupting

FOREVER = 3600


class Asked:
    """One request to an application behind the middleware."""

    def __init__(self, query: str, app) -> None:
        self.stopping = asyncio.Event()
        self.sent: list[dict] = []
        scope = {"type": "http", "query_string": query.encode(), "state": {"request_id": "req_1"}}

        async def send(message):
            self.sent.append(message)

        async def receive():
            return {"type": "http.request"}

        self.task = asyncio.ensure_future(Interrupting(app, self.stopping)(scope, receive, send))

    @property
    def status(self):
        return self.sent[0]["status"]


async def waits(_scope, _receive, _send):
    await asyncio.sleep(FOREVER)


async def answers(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def answers_slowly(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(5):
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"x", "more_body": False})


class TestStopping:
    async def test_who_waits_hears_at_once_that_the_server_stops(self):
        asked = Asked("wait=10", waits)
        await asyncio.sleep(0)

        asked.stopping.set()
        await asked.task

        error = json.loads(asked.sent[1]["body"])["error"]
        assert asked.status == 503
        assert (error["code"], error["request_id"]) == ("server_stopping", "req_1")

    async def test_what_is_being_answered_comes_to_its_end(self):
        asked = Asked("wait=10", answers_slowly)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        asked.stopping.set()
        await asked.task

        assert [message.get("body") for message in asked.sent] == [None, b"x"]

    @pytest.mark.parametrize("query", ["", "wait=0", "wait=", "limit=3"])
    async def test_who_does_not_wait_is_not_interrupted(self, query):
        asked = Asked(query, answers_slowly)
        asked.stopping.set()

        await asked.task

        assert asked.status == 200

    async def test_news_that_come_first_are_the_answer(self):
        asked = Asked("wait=10", answers)

        await asked.task

        assert asked.status == 200

    async def test_an_error_of_the_application_is_passed_on(self):
        async def fails(_scope, _receive, _send):
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await Asked("wait=10", fails).task
