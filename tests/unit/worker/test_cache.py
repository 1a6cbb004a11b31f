import os

import pytest

from pileus.core.errors import Unavailable
from pileus.core.schemas.jobs import InputFile
from pileus.worker.cache import BlobCache
from pileus.worker.errors import InputDamaged, InputRefused
from tests.unit.worker.fakes import FakeServer, digest_of


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def cache(server, tmp_path):
    return BlobCache(tmp_path / "cache", server, max_mib=1)


class TestStart:
    async def test_what_a_killed_worker_had_half_fetched_is_removed(self, cache, server, tmp_path):
        whole = await cache.get("default", server.add_blob("a", b"content"))
        half = whole.with_name(f".{'0' * 64}.0123456789abcdef")
        half.write_bytes(b"con")

        cache.start()

        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [whole]


class TestGet:
    async def test_a_blob_is_fetched_once(self, cache, server):
        file = server.add_blob("a", b"content")
        await cache.get("default", file)
        server.is_away = True

        path = await cache.get("default", file)

        assert path.read_bytes() == b"content"

    async def test_a_project_does_not_see_what_another_has(self, cache, server):
        file = server.add_blob("a", b"content")

        first = await cache.get("one", file)
        second = await cache.get("two", file)

        assert first != second

    async def test_bytes_with_another_digest_are_refused(self, cache, server, tmp_path):
        file = server.add_blob("a", b"content")
        server.blobs[file.digest] = b"another"

        with pytest.raises(InputDamaged):
            await cache.get("default", file)

        assert not [path for path in tmp_path.rglob("*") if path.is_file()]

    async def test_a_file_that_was_written_to_is_fetched_again(self, cache, server):
        file = server.add_blob("a", b"content")
        path = await cache.get("default", file)
        path.chmod(0o600)
        path.write_bytes(b"changed")

        assert (await cache.get("default", file)).read_bytes() == b"content"

    @pytest.mark.parametrize("project, digest", [("default", "../../etc"), ("../x", "0" * 64)])
    async def test_a_name_that_leaves_the_cache_is_refused(self, cache, project, digest):
        with pytest.raises(InputRefused):
            await cache.get(project, InputFile(path="a", digest=digest, size=1))


class TestTrim:
    async def test_the_longest_unused_goes(self, cache, server):
        files = [server.add_blob(str(n), bytes([n]) * 400_000) for n in range(3)]
        paths = [await cache.get("default", file) for file in files]
        for seconds, path in zip((30, 10, 20), paths, strict=True):
            os.utime(path, ns=(seconds * 10**9, path.stat().st_mtime_ns))

        cache.trim()

        assert [path.exists() for path in paths] == [True, False, True]
        assert digest_of(paths[0].read_bytes()) == files[0].digest


class TestForgetDeleted:
    async def test_removes_what_is_of_no_project_any_more(self, cache, server):
        file = server.add_blob("a", b"content")
        kept, gone = await cache.get("one", file), await cache.get("two", file)
        server.project_ids = frozenset({"one"})

        assert await cache.forget_deleted() == 1

        assert (kept.exists(), gone.exists()) == (True, False)

    async def test_without_the_servers_word_everything_stays(self, cache, server):
        kept = await cache.get("one", server.add_blob("a", b"content"))
        server.is_away = True

        with pytest.raises(Unavailable):
            await cache.forget_deleted()

        assert kept.exists()
