import pytest

from pileus.core.errors import NotAuthenticated, NotFound
from pileus.core.schemas.jobs import Artifact, NodeReport, Registration
from pileus.core.schemas.resources import Capacity
from pileus.core.schemas.secrets import SecretValue
from pileus.core.schemas.usage import UsageReport
from pileus.sdk.link import ServerAway, read_token
from pileus.worker.http_link import HttpServerLink
from tests.unit.worker.fakes import FakeServer, digest_of, make_order, pieces
from tests.unit.worker.http_server import TOKEN, serving

REGISTRATION = Registration(
    name="here",
    boot_id="boot",
    capacity=Capacity(cpu_milli=2000, memory_mib=1024),
    pid=1,
    version="0.1.0",
)


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def link(server, tmp_path):
    async with serving(server, tmp_path) as url, HttpServerLink(url, lambda: TOKEN) as made:
        yield made


class TestHttpServerLink:
    async def test_it_tells_what_attempts_use(self, link, server):
        report = UsageReport(boot_id="boot", samples=())

        await link.tell_usage("nod_1", report)

        assert server.usage == [report]

    async def test_it_registers_and_takes_orders(self, link, server):
        server.order(make_order())

        registered = await link.register(REGISTRATION)
        orders = await link.sync(registered.node, NodeReport(boot_id="boot"), 0.1)

        assert registered.fence_seconds == 600.0
        assert server.registrations == [REGISTRATION]
        assert orders.attempts == (make_order(),)

    async def test_streams_grow_by_offset(self, link, server):
        assert await link.append("att_1", "stdout", 0, pieces(b"")) == 0
        assert await link.append("att_1", "stdout", 0, pieces(b"abc")) == 3
        assert await link.append("att_1", "stdout", 1, pieces(b"bcd")) == 4
        assert server.stream("att_1") == b"abcd"

    async def test_blobs_travel_both_ways(self, link, server, tmp_path):
        content = b"x" * 3_000_000
        path = tmp_path / "file"
        path.write_bytes(content)
        digest = digest_of(content)

        assert await link.missing("default", [digest]) == [digest]
        await link.put_blob("default", Artifact(path="f", digest=digest, size=len(content)), path)

        assert await link.missing("default", [digest]) == []
        assert b"".join([piece async for piece in link.blob("default", digest)]) == content

    async def test_secrets_are_asked_for_with_the_attempts_token(self, link, server):
        server.secret_values = {"PW": b"hunter2"}

        assert await link.secrets("default", "job_1", "pla_secret") == (
            SecretValue(name="PW", base64="aHVudGVyMg=="),
        )
        with pytest.raises(NotAuthenticated):
            await link.secrets("default", "job_1", TOKEN)

    async def test_an_error_of_the_server_is_raised_as_its_family(self, link):
        with pytest.raises(NotFound, match="not found"):
            [piece async for piece in link.blob("default", "0" * 64)]

    async def test_a_wrong_token_is_refused(self, server, tmp_path):
        async with serving(server, tmp_path) as url, HttpServerLink(url, lambda: "no") as link:
            with pytest.raises(NotAuthenticated):
                await link.register(REGISTRATION)

    async def test_a_server_that_does_not_answer_is_away(self):
        async with HttpServerLink("http://127.0.0.1:9", lambda: TOKEN) as link:
            with pytest.raises(ServerAway, match="does not answer"):
                await link.register(REGISTRATION)


class TestReadToken:
    def test_it_is_read_each_time(self, tmp_path):
        path = tmp_path / "worker.token"
        path.write_text("plw_1\n")

        assert read_token(path) == "plw_1"

    def test_one_that_is_not_there_yet_means_that_the_server_is_away(self, tmp_path):
        with pytest.raises(ServerAway, match=r"worker\.token"):
            read_token(tmp_path / "worker.token")
