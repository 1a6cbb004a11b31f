import asyncio
import json

import pytest

from pileus.server.api.interrupting import Interrupting

FOREVER = 3600


class Asked:
    """One request to an application behind the middleware."""

    def __init__(self, query: str, app, body=(b"",)) -> None:
        self.stopping = asyncio.Event()
        self.has_left = asyncio.Event()
        self.sent: list[dict] = []
        scope = {"type": "http", "query_string": query.encode(), "state": {"request_id": "req_1"}}

        async def send(message):
            self.sent.append(message)

        self.parts = list(body)

        async def receive():
            if self.parts:
                part = self.parts.pop(0)
                if isinstance(part, Exception):
                    raise part
                return {"type": "http.request", "body": part, "more_body": bool(self.parts)}
            await self.has_left.wait()
            return {"type": "http.disconnect"}

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


async def body_of(receive):
    found, more = b"", True
    while more:
        message = await receive()
        found, more = found + message["body"], message["more_body"]
    return found


class TestLeaving:
    async def test_nobody_is_answered_when_nobody_listens(self):
        ended = []

        async def reads_and_waits(_scope, receive, _send):
            ended.append(await body_of(receive))
            try:
                await asyncio.sleep(FOREVER)
            finally:
                ended.append("cancelled")

        asked = Asked("wait=10", reads_and_waits, [b"a", b"b"])
        for _ in range(5):
            await asyncio.sleep(0)

        asked.has_left.set()
        await asked.task

        assert ended == [b"ab", "cancelled"]
        assert asked.status == 499

    async def test_what_is_being_answered_comes_to_its_end(self):
        asked = Asked("wait=10", answers_slowly)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        asked.has_left.set()
        await asked.task

        assert [message.get("body") for message in asked.sent] == [None, b"x"]

    async def test_what_is_wrong_with_a_body_is_for_the_application(self):
        async def reads(_scope, receive, send):
            with pytest.raises(ValueError, match="large"):
                await body_of(receive)
            await answers(_scope, receive, send)

        asked = Asked("wait=10", reads, [b"a", ValueError("too large")])
        await asked.task

        assert asked.status == 200

    async def test_no_more_of_a_body_is_taken_than_is_read(self):
        asked = Asked("wait=10", waits, [b"x"] * 100)
        for _ in range(300):
            await asyncio.sleep(0)

        assert len(asked.parts) >= 97
        asked.stopping.set()
        await asked.task
