import gzip
import zlib

import pytest

from pileus.gateway.errors import BodyTooLarge, BodyUnreadable
from pileus.gateway.rest.compression import plain_body

LARGE = bytes(range(256)) * 4096


class TestPlainBody:
    @pytest.mark.parametrize("content", [b"", b"{}", LARGE])
    @pytest.mark.parametrize(
        "coding, pack",
        [("gzip", gzip.compress), ("X-Gzip", gzip.compress), (" deflate", zlib.compress)],
    )
    async def test_what_was_packed_is_opened(self, content, coding, pack):
        assert await plain_body(pack(content), coding, 1 << 20) == content

    @pytest.mark.parametrize("coding", ["identity", ""])
    async def test_what_was_not_packed_stays(self, coding):
        assert await plain_body(b"x", coding, 1) == b"x"

    @pytest.mark.parametrize("size", [1 << 20, 64 << 20])
    async def test_more_than_a_plain_body_may_have_is_refused(self, size):
        with pytest.raises(BodyTooLarge):
            await plain_body(gzip.compress(bytes(size)), "gzip", (1 << 20) - 1)

    @pytest.mark.parametrize(
        "body",
        [b"", b"{}", gzip.compress(b"{}")[:-9], gzip.compress(b"{}") + b"more"],
    )
    async def test_what_is_not_one_whole_stream_is_refused(self, body):
        with pytest.raises(BodyUnreadable, match="'gzip'"):
            await plain_body(body, "gzip", 1 << 20)

    async def test_another_coding_is_refused(self):
        with pytest.raises(BodyUnreadable, match="'br'"):
            await plain_body(b"x", "br", 1)
