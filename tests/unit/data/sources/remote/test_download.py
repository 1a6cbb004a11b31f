import httpx
import pytest

from pileus.data.errors import SourceNotFound, SourceUnreadable
from pileus.data.sources.remote.download import download

DATA = bytes(range(256)) * 100
URL = "https://example.org/sets/t.csv?key=a-secret"


class Server:
    """A file that may break off, change, or ask for patience."""

    def __init__(self, data=DATA, tag='"one"'):
        self.data = data
        self.tag = tag
        self.ranges = []
        self.breaks = []
        self.before = []

    def __call__(self, request):
        if self.before:
            answer = self.before.pop(0)(self)
            if answer is not None:
                return answer
        self.ranges.append(request.headers.get("range"))
        start = 0
        if request.headers.get("if-range") == self.tag and "range" in request.headers:
            start = int(request.headers["range"].removeprefix("bytes=").rstrip("-"))
        rest = self.data[start:]
        headers = {"content-length": str(len(rest))}
        if self.tag:
            headers["etag"] = self.tag
        if start:
            headers["content-range"] = f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"
        stop = self.breaks.pop(0) if self.breaks else None
        return httpx.Response(206 if start else 200, headers=headers, stream=Broken(rest, stop))


class Broken(httpx.SyncByteStream):
    def __init__(self, data, stop):
        self._data, self._stop = data, stop

    def __iter__(self):
        yield self._data[: self._stop]
        if self._stop is not None:
            raise httpx.ReadError("the connection broke")


@pytest.fixture
def fetch(tmp_path):
    def run(server, url=URL):
        naps: list[float] = []
        path = download(
            url,
            tmp_path,
            lambda _: None,
            transport=httpx.MockTransport(server),
            sleep=naps.append,
        )
        return path, naps

    return run


class TestResume:
    def test_a_break_goes_on_where_it_was(self, fetch):
        server = Server()
        server.breaks = [1000, 500]

        path, _ = fetch(server)

        assert path.read_bytes() == DATA
        assert server.ranges == [None, "bytes=1000-", "bytes=1500-"]

    def test_a_file_that_changed_meanwhile_starts_anew(self, fetch):
        server = Server()
        server.breaks = [1000]

        def change(it):
            it.tag, it.data = '"two"', b"another file"

        server.before = [lambda _: None, change]

        path, _ = fetch(server)

        assert path.read_bytes() == b"another file"

    def test_a_file_that_nothing_tells_from_another_starts_anew(self, fetch):
        server = Server(tag=None)
        server.breaks = [1000]

        path, _ = fetch(server)

        assert path.read_bytes() == DATA
        assert server.ranges == [None, None]

    def test_a_body_that_ends_early_without_an_error_is_not_whole(self, fetch):
        server = Server()

        def short(it):
            headers = {"content-length": "200", "etag": it.tag}
            return httpx.Response(200, headers=headers, stream=Broken(DATA[:100], None))

        server.before = [short]

        path, _ = fetch(server)

        assert path.read_bytes() == DATA
        assert server.ranges == ["bytes=100-"]

    def test_another_range_than_was_asked_for_is_refused(self, fetch):
        server = Server()
        server.breaks = [1000]
        answer = httpx.Response(
            206, headers={"content-range": "bytes 0-9/10"}, stream=Broken(b"x" * 10, None)
        )
        server.before = [lambda _: None, lambda _: answer]

        with pytest.raises(SourceUnreadable, match="another range"):
            fetch(server)


class TestPatience:
    def test_a_busy_server_is_asked_again_after_what_it_says(self, fetch):
        server = Server()
        busy = httpx.Response(503, headers={"retry-after": "7"})
        server.before = [lambda _: busy, lambda _: httpx.Response(500)]

        path, naps = fetch(server)

        assert path.read_bytes() == DATA
        assert naps == [7, 1.0]

    def test_it_ends(self, fetch):
        server = Server()
        server.before = [lambda _: httpx.Response(500)] * 100

        with pytest.raises(SourceUnreadable, match="answered 500") as refusal:
            fetch(server)

        assert len(server.before) == 94
        assert "a-secret" not in str(refusal.value)

    def test_what_is_not_there_is_not_asked_for_again(self, fetch):
        server = Server()
        server.before = [lambda _: httpx.Response(404)]

        with pytest.raises(SourceNotFound, match=r"'https://example\.org/sets/t\.csv'"):
            fetch(server)

        assert server.ranges == []


class TestRedirects:
    def test_are_followed(self, fetch):
        server = Server()
        server.before = [lambda _: httpx.Response(302, headers={"location": "/elsewhere"})]

        path, _ = fetch(server)

        assert path.name == "t.csv"

    def test_without_tls_are_not(self, fetch):
        server = Server()
        away = httpx.Response(302, headers={"location": "http://example.org/t.csv"})
        server.before = [lambda _: away]

        with pytest.raises(SourceUnreadable, match="without TLS"):
            fetch(server)

    def test_in_a_circle_end(self, fetch):
        server = Server()
        server.before = [lambda _: httpx.Response(302, headers={"location": URL})] * 100

        with pytest.raises(SourceUnreadable, match="more than 5 redirects"):
            fetch(server)


class TestName:
    def test_is_what_the_server_says_and_stays_in_the_directory(self, fetch, tmp_path):
        server = Server()
        answer = httpx.Response(
            200,
            headers={"content-disposition": 'attachment; filename="../../wine.csv"'},
            stream=Broken(b"x", None),
        )
        server.before = [lambda _: answer]

        path, _ = fetch(server, "https://example.org/download?id=7")

        assert path == tmp_path / "wine.csv"

    def test_comes_from_the_address(self, fetch):
        path, _ = fetch(Server(), "https://example.org/a%20b.csv")

        assert path.name == "a b.csv"
