import hashlib
from typing import Any

import pytest

from pileus.storage.blobs.receiving import BATCH_BYTES, Plain, announced, receive


class Written:
    """Keeps what is written to it, as a draft does."""

    def __init__(self):
        self.written = b""
        self.kept = False

    def write(self, data):
        self.written += bytes(data)

    def keep(self, modified_at=None):
        self.kept = True


async def stream(content, sizes):
    start = 0
    for size in sizes:
        yield content[start : start + size]
        start += size
    yield content[start:]


@pytest.mark.parametrize(
    "sizes",
    [
        [],
        [BATCH_BYTES],
        [BATCH_BYTES] * 3,
        [10, BATCH_BYTES, 5],
        [2 * BATCH_BYTES + 7, 1, BATCH_BYTES - 1, 3],
        [BATCH_BYTES - 1, 2, 2 * BATCH_BYTES],
        [0, 65536, 0, 65536],
    ],
)
async def test_however_a_stream_is_cut_its_bytes_arrive(sizes):
    content = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(120_000))
    draft: Any = Written()

    size = await receive(
        draft, stream(content, sizes), Plain(), announced(hashlib.sha256(content).hexdigest())
    )

    assert draft.written == content
    assert draft.kept
    assert size == len(content)
