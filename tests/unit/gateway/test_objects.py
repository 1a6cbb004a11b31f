import asyncio

import httpx
import pytest

from pileus.core.settings import InvalidSettings
from pileus.gateway.errors import ObjectAway, ObjectNotAllowed, ObjectNotFound, ObjectTooLarge
from pileus.gateway.objects import AllowedObjects, read_reference

ALLOWED = ("https://example.org/public", "s3://bucket/public/", "https://images.test:8443")


class Body(httpx.AsyncByteStream):
    def __init__(self, content):
        self._content = content

    async def __aiter__(self):
        yield self._content


def ok(content):
    return httpx.Response(200, stream=Body(content))


def objects(answer=None, *, max_bytes=1000, seconds=5.0, prefixes=ALLOWED):
    async def reply(request):
        found = answer(request) if answer else ok(b"an image")
        return await found if asyncio.iscoroutine(found) else found

    transport = httpx.MockTransport(reply)
    return AllowedObjects(prefixes, max_bytes=max_bytes, seconds=seconds, transport=transport)


class TestList:
    @pytest.mark.parametrize(
        "reference",
        [
            "https://example.org/public/a.png",
            "https://EXAMPLE.org:443/public/a%20b.png",
            "https://images.test:8443/any/where.png",
        ],
    )
    async def test_what_is_below_a_prefix_is_fetched(self, reference):
        assert (await objects().fetch(reference))[1] == b"an image"

    @pytest.mark.parametrize(
        "reference",
        [
            "https://example.org/private/a.png",
            "https://example.org/public2/a.png",
            "https://example.org/publicity",
            "https://example.org/public/../private/a.png",
            "https://example.org/public/%2e%2e/private/a.png",
            "https://example.org/public/%252e%252e/private/a.png",
            "https://example.org/public/..%2fprivate/a.png",
            "https://example.org/public/..%5cprivate/a.png",
            "https://example.org/public\\..\\private",
            "https://example.org//public/a.png",
            "https://example.org/public/a.png?then=/private",
            "https://example.org/public/a.png#x",
            "https://example.org@evil.test/public/a.png",
            "https://me:secret@example.org/public/a.png",
            "https://example.org.evil.test/public/a.png",
            "https://example.org:8443/public/a.png",
            "http://example.org/public/a.png",
            "https://images.test/any.png",
            "https://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "s3://bucket/private/a.png",
            "s3://bucket/public2/a.png",
            "s3://bucket/public/../private/a.png",
            "s3://bucket2/public/a.png",
            "s3://bucket:80/public/a.png",
            "https://[::1/public",
            "",
        ],
    )
    async def test_nothing_else_is(self, reference):
        asked: list[str] = []
        with pytest.raises(ObjectNotAllowed) as refusal:
            await objects(asked.append).fetch(reference)

        assert asked == []
        assert refusal.value.hint
        assert "secret" not in refusal.value.message

    async def test_without_a_list_nothing_is_fetched(self):
        with pytest.raises(ObjectNotAllowed, match="fetches no objects") as refusal:
            await objects(prefixes=()).fetch("https://example.org/public/a.png")

        assert "allowed_objects" in refusal.value.hint

    @pytest.mark.parametrize(
        "prefix", ["example.org/public", "ftp://example.org/public", "https://me:secret@x.org/a"]
    )
    def test_a_prefix_that_is_none_stops_the_start_and_is_named(self, prefix):
        with pytest.raises(InvalidSettings, match=r"gateway\.allowed_objects") as refusal:
            objects(prefixes=(ALLOWED[0], prefix))

        assert prefix.rpartition("@")[2] in refusal.value.message
        assert "secret" not in refusal.value.message
        assert "s3://BUCKET/FOLDER" in refusal.value.hint

    def test_a_key_is_taken_as_it_is(self):
        assert read_reference("s3://bucket/public/100%25?#.png").path == "public/100%25?#.png"


class TestRedirects:
    async def test_inside_the_list_are_followed(self):
        def answer(request):
            if request.url.path.endswith("a.png"):
                return httpx.Response(302, headers={"location": "/public/b.png"})
            return ok(b"b")

        assert (await objects(answer).fetch("https://example.org/public/a.png"))[1] == b"b"

    @pytest.mark.parametrize(
        "location", ["/private/b.png", "http://169.254.169.254/", "https://evil.test/public/b.png"]
    )
    async def test_out_of_the_list_are_refused(self, location):
        asked: list[str] = []

        def answer(request):
            asked.append(str(request.url))
            return httpx.Response(302, headers={"location": location})

        with pytest.raises(ObjectNotAllowed):
            await objects(answer).fetch("https://example.org/public/a.png")

        assert asked == ["https://example.org/public/a.png"]

    async def test_in_a_circle_end(self):
        def answer(request):
            return httpx.Response(302, headers={"location": str(request.url)})

        with pytest.raises(ObjectAway, match="more than 3 redirects"):
            await objects(answer).fetch("https://example.org/public/a.png")


class TestBounds:
    async def test_too_many_bytes_are_refused(self):
        def answer(_):
            return ok(bytes(1001))

        with pytest.raises(ObjectTooLarge, match="more than 1,000 bytes"):
            await objects(answer).fetch("https://example.org/public/a.png")

    async def test_too_much_time_is_refused(self):
        def answer(_):
            return asyncio.sleep(60, httpx.Response(200))

        with pytest.raises(ObjectAway, match="did not arrive"):
            await objects(answer, seconds=0.05).fetch("https://example.org/public/a.png")

    @pytest.mark.parametrize("status", [401, 403, 404])
    async def test_what_is_not_there_and_what_may_not_be_read_look_alike(self, status):
        with pytest.raises(ObjectNotFound, match="not there, or"):
            await objects(lambda _: httpx.Response(status)).fetch(
                "https://example.org/public/a.png"
            )
