import asyncio
import hashlib
import threading
from typing import Any

import pytest

from pileus.storage.blobs.receiving import BATCH_BYTES, Plain, announced, receive, write_hashed


class Written:
    """Keeps what is written to it, as a draft does."""

    def __init__(self):
        self.written = b""
        self.kept = False

    def write(self, data):
        self.written += bytes(data)

    def keep(self, modified_at=None):
        self.kept = True

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


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


async def test_who_gives_up_waits_until_nothing_is_written_any_more():
    draft: Any = Written()
    begun, may_go_on = threading.Event(), threading.Event()

    def parts():
        yield memoryview(b"one")
        begun.set()
        may_go_on.wait(5)
        yield memoryview(b"two")

    task = asyncio.create_task(write_hashed(lambda: draft, parts(), Plain()))
    await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    await asyncio.sleep(0.01)
    was_waiting = not task.done()
    may_go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert was_waiting
    assert (draft.written, draft.kept) == (b"onetwo", True)
