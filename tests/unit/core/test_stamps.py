"""Times and bytes of a log, brought together whatever comes first."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pileus.core import stamps
from pileus.core.stamps import RECORD, Span, TimedLines, first_not_before, micros_of, shown, within


def lines_of(spans):
    """Each line with its time."""
    return [(one.micros, line) for one in spans for line in one.lines.splitlines(keepends=True)]


def by_hand(log, records):
    found, at = [], 0
    for line in log.splitlines(keepends=True):
        at += len(line)
        is_whole = line.endswith(b"\n")
        found.append((next((m for end, m in records if end >= at and is_whole), None), line))
    return found


class TestTimedLines:
    @given(st.data())
    def test_a_line_has_the_time_of_the_first_stamp_that_covers_it(self, data):
        log = data.draw(st.lists(st.sampled_from([b"a", b"bc", b"\n"]), max_size=40).map(b"".join))
        ends = sorted(data.draw(st.sets(st.integers(1, max(1, len(log))), max_size=8)))
        records = [(end, 1000 + place) for place, end in enumerate(ends)]
        times = b"".join(RECORD.pack(*record) for record in records)
        size, times_size = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 40))
        are_times_first = data.draw(st.booleans())
        lines, found = TimedLines(), []

        def add_times():
            for at in range(0, len(times), times_size):
                lines.add_times(times[at : at + times_size])
                found.extend(lines.take())

        if are_times_first:
            add_times()
        for at in range(0, len(log), size):
            piece = log[at : at + size]
            lines.add(piece, at, at + len(piece))
            found.extend(lines.take())
        if not are_times_first:
            add_times()
        found.extend(lines.take(is_over=True))

        assert lines_of(found) == by_hand(log, records)

    def test_from_the_middle_of_a_log_on(self):
        lines = TimedLines()
        lines.add_times(RECORD.pack(4, 1) + RECORD.pack(8, 2) + RECORD.pack(12, 3))

        lines.add(b"two\nxyz\n", 4, 12)

        assert lines.take() == [Span(2, b"two\n"), Span(3, b"xyz\n")]

    def test_what_was_left_out_is_a_line_without_a_time(self):
        lines = TimedLines()
        lines.add_times(RECORD.pack(4, 1) + RECORD.pack(104, 2))

        lines.add(b"one\n", 0, 4)
        lines.add(b"[much]\n", 4, 100)
        lines.add(b"end\n", 100, 104)

        assert lines.take() == [Span(1, b"one\n"), Span(None, b"[much]\n"), Span(2, b"end\n")]

    def test_lines_wait_for_their_stamp_and_not_when_none_will_come(self):
        lines = TimedLines()
        lines.add(b"one\ntwo", 0, 7)
        waits = lines.wants_times, lines.take()

        lines.expect_no_times()

        assert waits == (True, [])
        assert (lines.wants_times, lines.take()) == (False, [Span(None, b"one\n")])
        assert lines.take(is_over=True) == [Span(None, b"two")]

    def test_an_endless_line_does_not_fill_memory(self, monkeypatch):
        monkeypatch.setattr(stamps, "LINE_BYTES", 10)
        lines = TimedLines()

        lines.add(b"x" * 11, 0, 11)

        assert lines.take() == [Span(None, b"x" * 11)]

    def test_times_that_are_no_times_do_no_harm(self):
        lines = TimedLines()
        lines.add(b"one\ntwo\n", 0, 8)

        lines.add_times(RECORD.pack(4, 2**64 - 1) + RECORD.pack(2, 5) + RECORD.pack(2**60, 7))

        assert shown(lines.take()) == (
            b"9999-12-31T23:59:59.999Z one\n1970-01-01T00:00:00.000Z two\n"
        )


class TestShown:
    def test_each_line_comes_after_its_time(self):
        micros = micros_of(datetime(2026, 11, 28, 20, 15, 3, 250_900, UTC))

        text = shown([Span(micros, b"one\n\ntwo\n"), Span(None, b"rest")])

        mark = b"2026-11-28T20:15:03.250Z "
        assert text == mark + b"one\n" + mark + b"\n" + mark + b"two\n" + b"-".ljust(25) + b"rest"


class TestWithin:
    def test_both_ends_and_what_nobody_knows_are_in(self):
        spans = [Span(1, b"a"), Span(2, b"b"), Span(None, b"c"), Span(3, b"d"), Span(4, b"e")]

        assert [one.lines for one in within(spans, 2, 3)] == [b"b", b"c", b"d"]


class TestFirstNotBefore:
    @given(st.lists(st.integers(0, 20)).map(sorted), st.integers(0, 21))
    def test_as_one_would_by_hand(self, times, micros):
        records = b"".join(RECORD.pack(place, one) for place, one in enumerate(times))

        assert first_not_before(records, micros) == sum(one < micros for one in times)
