"""Lines of a log, found while it streams by in pieces cut anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pileus.tracking import searching
from pileus.tracking.searching import last, matching

LOG = b"one\ntwo two\n\nthree\nthe end"


async def cut(data, size):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def found(data, text, size=7):
    return b"".join([part async for part in matching(cut(data, size), text)])


class TestMatching:
    @given(st.lists(st.text("ab\u00e9", max_size=6), max_size=20), st.integers(1, 50))
    async def test_as_one_would_by_hand(self, lines, size):
        data = "\n".join(lines).encode()
        expected = b"".join(one for one in data.splitlines(keepends=True) if b"ab" in one)

        assert await found(data, b"ab", size) == expected

    async def test_nothing_asked_is_everything(self):
        assert await found(LOG, b"") == LOG

    async def test_a_line_without_end_is_found_once_it_is_the_last(self):
        assert await found(LOG, b"end") == b"the end"

    async def test_a_pattern_is_plain_text(self):
        assert await found(b"(a+)+$\naaaa\n", b"(a+)+$") == b"(a+)+$\n"

    async def test_what_stands_before_a_line_is_not_searched(self):
        log = b"12:01 one\n12:02 two 12\n12:03 12"

        found = [part async for part in matching(cut(log, 5), b"12", mark_bytes=6)]

        assert b"".join(found) == b"12:02 two 12\n12:03 12"

    async def test_an_endless_line_does_not_fill_memory(self, monkeypatch):
        monkeypatch.setattr(searching, "LINE_BYTES", 10)

        parts = [part async for part in matching(cut(b"x" * 100, 4), b"x")]

        assert b"".join(parts) == b"x" * 100
        assert max(map(len, parts)) <= 12


class TestLast:
    async def test_the_last_lines_over_pieces(self):
        assert await last(matching(cut(LOG, 5), b""), 3) == b"\nthree\nthe end"

    async def test_no_more_than_fits(self, monkeypatch):
        monkeypatch.setattr(searching, "TAIL_BYTES", 10)

        assert await last(cut(b"12345\n1234\nabcd\n", 99), 3) == b"1234\nabcd\n"
