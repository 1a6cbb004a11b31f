"""Segments: what is read back, whole or thinned, and what is refused."""

from __future__ import annotations

from array import array

import pytest

from pileus.storage.errors import BlobDamaged
from pileus.tracking import metric_segments
from pileus.tracking.points import Series


@pytest.fixture
def blobs(streams):
    return streams._blobs


def series(count, factor=1.0):
    steps = range(count)
    return Series(
        array("q", steps),
        array("d", [n * factor for n in steps]),
        array("d", [n / 10 for n in steps]),
    )


async def read(blobs, digest, name, *, is_thinned=False):
    return await metric_segments.read(blobs, "prj_1", digest, name, is_thinned=is_thinned)


class TestRead:
    async def test_each_metric_comes_back(self, blobs):
        # More than one piece of a blob, so that the columns are asked for by themselves.
        whole = {"loss": series(100_000), "acc": series(3, 0.5)}
        digest = await blobs.put_bytes("prj_1", metric_segments.encode(whole))

        assert {name: await read(blobs, digest, name) for name in whole} == whole
        assert await read(blobs, digest, "other") == Series()

    async def test_a_thinned_copy_is_a_128th(self, blobs):
        digest = await blobs.put_bytes("prj_1", metric_segments.encode({"loss": series(10_000)}))

        found = await read(blobs, digest, "loss", is_thinned=True)

        assert len(found) == 2 * 10_000 // 256
        assert (found.steps[0], found.steps[-1]) == (0, 9_999)

    @pytest.mark.parametrize("data", [b"", b"PILEUSM", b"PILEUSM\2" + bytes(60), b"no such thing."])
    async def test_another_blob_is_refused(self, blobs, data):
        digest = await blobs.put_bytes("prj_1", data)

        with pytest.raises(BlobDamaged):
            await read(blobs, digest, "loss")

    async def test_a_cut_one_is_refused(self, blobs):
        data = metric_segments.encode({"loss": series(10)})
        digest = await blobs.put_bytes("prj_1", data[:-8])

        with pytest.raises(BlobDamaged):
            await read(blobs, digest, "loss")
