"""What was sealed opens from any offset, and only whole, unaltered, and in its place."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pileus.storage.blobs.sealing import (
    HEADER_BYTES,
    SEGMENT_BYTES,
    TAG_BYTES,
    Header,
    Opener,
    Place,
    Sealer,
    plain_size,
)
from pileus.storage.errors import BlobDamaged

KEY_ID = "key_" + "0" * 26
KEY = bytes(range(32))
PLACE = Place("prj_1", "name.enc")
SEALED = SEGMENT_BYTES + TAG_BYTES

quick = settings(max_examples=60, deadline=None)

# Around the borders of segments, where the mistakes are.
sizes = st.one_of(
    st.integers(0, 300),
    st.builds(lambda n, d: max(0, n * SEGMENT_BYTES + d), st.integers(0, 3), st.integers(-2, 2)),
)


def content(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def seal(data: bytes, step: int = 100_000, place: Place = PLACE) -> bytes:
    sealer = Sealer(KEY_ID, KEY, place)
    plain = memoryview(data)
    parts = [bytes(sealer.update(plain[at : at + step])) for at in range(0, len(data), step)]
    return b"".join([*parts, sealer.finish()])


def unseal(data: bytes, start: int = 0, place: Place = PLACE, key: bytes = KEY) -> bytes:
    return b"".join(Opener(io.BytesIO(data), lambda _: key, place).read(start, 2))


class TestSealed:
    @quick
    @given(sizes, st.integers(5_000, 200_000))
    def test_opens_to_what_it_was_however_it_came(self, size, step):
        data = content(size)

        assert unseal(seal(data, step)) == data

    @quick
    @given(sizes, st.data())
    def test_opens_from_any_offset(self, size, draw):
        start = draw.draw(st.integers(0, size + 2))
        data = content(size)

        assert unseal(seal(data), start) == data[start:]

    @quick
    @given(sizes)
    def test_tells_its_plain_size_by_its_length(self, size):
        assert plain_size(len(seal(content(size)))) == size

    @quick
    @given(sizes)
    def test_says_which_key_in_its_header(self, size):
        assert Header.decode(seal(content(size))[:HEADER_BYTES], "x").key_id == KEY_ID

    def test_is_another_file_each_time(self):
        assert seal(b"same") != seal(b"same")


class TestDamage:
    @quick
    @given(sizes, st.data())
    def test_one_flipped_bit_is_refused(self, size, draw):
        sealed = bytearray(seal(content(size)))
        bit = draw.draw(st.integers(0, len(sealed) * 8 - 1))
        sealed[bit // 8] ^= 1 << bit % 8

        with pytest.raises(BlobDamaged, match=r"name\.enc"):
            unseal(bytes(sealed))

    @quick
    @given(sizes, st.data())
    def test_a_cut_is_refused(self, size, draw):
        sealed = seal(content(size))
        kept = draw.draw(st.integers(0, len(sealed) - 1))

        with pytest.raises(BlobDamaged):
            unseal(sealed[:kept])

    @pytest.mark.parametrize("segments", [1, 2])
    def test_a_cut_between_two_segments_is_refused(self, segments):
        sealed = seal(content(3 * SEGMENT_BYTES))

        with pytest.raises(BlobDamaged):
            unseal(sealed[: HEADER_BYTES + segments * SEALED])

    def test_segments_in_another_order_are_refused(self):
        sealed = seal(content(3 * SEGMENT_BYTES))
        body = sealed[HEADER_BYTES:]
        swapped = body[SEALED : 2 * SEALED] + body[:SEALED] + body[2 * SEALED :]

        with pytest.raises(BlobDamaged):
            unseal(sealed[:HEADER_BYTES] + swapped)

    def test_more_bytes_than_were_written_are_refused(self):
        with pytest.raises(BlobDamaged):
            unseal(seal(content(100)) + b"x")

    @pytest.mark.parametrize("place", [Place("prj_2", "name.enc"), Place("prj_1", "other.enc")])
    def test_another_place_is_refused(self, place):
        with pytest.raises(BlobDamaged):
            unseal(seal(b"data"), place=place)

    def test_another_key_is_refused(self):
        with pytest.raises(BlobDamaged):
            unseal(seal(b"data"), key=bytes(32))

    def test_of_a_part_that_is_not_read_does_not_matter(self):
        sealed = bytearray(seal(content(3 * SEGMENT_BYTES)))
        sealed[HEADER_BYTES] ^= 1

        assert unseal(bytes(sealed), SEGMENT_BYTES) == content(3 * SEGMENT_BYTES)[SEGMENT_BYTES:]


class TestFormat:
    def test_of_a_newer_version_is_named(self):
        sealed = bytearray(seal(b"data"))
        sealed[7] = 9

        with pytest.raises(BlobDamaged, match="format is 9"):
            unseal(bytes(sealed))
