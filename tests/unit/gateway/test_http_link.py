import json

import httpx
import pytest

from pileus.core.errors import NotFound, Unavailable
from pileus.core.schemas.metering import MeterReport
from pileus.gateway.http_link import HttpServerLink
from pileus.gateway.segments import SealedSegment
from pileus.sdk.link import ServerAway, read_token
from tests.unit.gateway.installation import routes


class Server:
    """Answers every question with one response, and keeps the questions."""

    def __init__(self) -> None:
        self.response = httpx.Response(204)
        self.asked: list[httpx.Request] = []
        self.is_away = False

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        if self.is_away:
            raise httpx.ConnectError("refused")
        return self.response


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def link(server):
    transport = httpx.MockTransport(server)
    async with HttpServerLink("http://server", lambda: "plg_x", transport) as link:
        yield link


class TestRoutes:
    async def test_a_document_is_read(self, link, server):
        server.response = httpx.Response(200, text=routes(seq=9).model_dump_json(by_alias=True))

        assert await link.routes(3, 10.0) == routes(seq=9)

        [request] = server.asked
        assert request.url.path == "/api/v1/gateway/routes"
        assert dict(request.url.params) == {"after": "3", "wait": "10.0"}
        assert request.headers["authorization"] == "Bearer plg_x"

    async def test_no_content_is_no_news(self, link):
        assert await link.routes(3, 0.0) is None

    @pytest.mark.parametrize("content", [b"", b"{}", b"<html>"])
    async def test_what_is_no_document_is_as_a_server_that_is_away(self, link, server, content):
        server.response = httpx.Response(200, content=content)

        with pytest.raises(ServerAway):
            await link.routes(0, 0.0)

    async def test_a_server_that_is_away(self, link, server):
        server.is_away = True

        with pytest.raises(Unavailable, match="does not answer"):
            await link.routes(0, 0.0)


class TestBlob:
    async def test_bytes_arrive(self, link, server):
        server.response = httpx.Response(200, content=b"abc")

        assert b"".join([chunk async for chunk in link.blob("prj_a", "00")]) == b"abc"
        assert server.asked[0].url.path == "/api/v1/projects/prj_a/blobs/00"

    async def test_the_servers_error_is_raised_as_its_family(self, link, server):
        error = NotFound("Blob '00' not found").to_wire()
        server.response = httpx.Response(404, json={"error": error})

        with pytest.raises(NotFound, match="Blob '00'"):
            [chunk async for chunk in link.blob("prj_a", "00")]


class TestPushing:
    async def test_meters_return_the_high_water_mark(self, link, server):
        server.response = httpx.Response(200, json={"sequence": 12})
        report = MeterReport(source="ab", lane=1, sequence=12, counters=())

        assert await link.push_meters(report) == 12
        assert json.loads(server.asked[0].content)["sequence"] == 12

    async def test_a_segment_goes_to_its_address(self, link, server, tmp_path):
        segment = SealedSegment(tmp_path, 7, "ab", "prj_a", 3, 2, 0.0)

        await link.put_segment(segment, b"{}")

        [request] = server.asked
        assert request.url.path == "/api/v1/gateway/segments/7/3"
        assert dict(request.url.params) == {"project": "prj_a", "source": "ab"}
        assert request.content == b"{}"

    async def test_an_answer_that_is_no_error_of_ours(self, link, server, tmp_path):
        server.response = httpx.Response(502, text="Bad Gateway")
        segment = SealedSegment(tmp_path, 7, "ab", "prj_a", 3, 2, 0.0)

        with pytest.raises(ServerAway, match="502"):
            await link.put_segment(segment, b"{}")


class TestReadToken:
    def test_a_token_that_is_not_there_yet(self, tmp_path):
        with pytest.raises(ServerAway, match=r"gateway\.token"):
            read_token(tmp_path / "gateway.token")
