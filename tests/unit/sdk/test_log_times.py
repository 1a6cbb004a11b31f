"""Following a log with its times: two streams, of which either may come first."""

from __future__ import annotations

from pileus.core.stamps import RECORD
from pileus.sdk.log_times import Part, with_times


def part(data, end, *, is_final=False):
    return Part(data, end, is_final, "att_1")


class Times:
    """Answers about times, one a call; nothing once they are used up."""

    def __init__(self, *records):
        self.answers = list(records)
        self.asked = []

    def __call__(self, attempt, offset):
        self.asked.append((attempt, offset))
        data = self.answers.pop(0) if self.answers else b""
        return part(data, offset + len(data))


class TestWithTimes:
    def test_lines_come_once_their_stamps_do(self):
        times = Times(RECORD.pack(4, 0), RECORD.pack(12, 1_500_000))
        parts = [part(b"one\n", 4), part(b"two\n", 8), part(b"end\n", 12, is_final=True)]

        found = list(with_times(iter(parts), times))

        assert b"".join(found).splitlines() == [
            b"1970-01-01T00:00:00.000Z one",
            b"1970-01-01T00:00:01.500Z two",
            b"1970-01-01T00:00:01.500Z end",
        ]
        assert found[0].endswith(b"one\n")
        assert times.asked == [("att_1", 0), ("att_1", 16)]

    def test_of_a_log_that_nobody_stamps_it_asks_once(self):
        times = Times()

        found = list(with_times(iter([part(b"one\n", 4), part(b"two\n", 8)]), times))

        assert [one.split() for one in found] == [[b"-", b"one"], [b"-", b"two"], []]
        assert times.asked == [("att_1", 0)]

    def test_from_the_place_where_the_first_part_begins(self):
        times = Times(RECORD.pack(100, 0) + RECORD.pack(104, 1_000_000))

        found = list(with_times(iter([part(b"one\n", 104)]), times))

        assert found[0] == b"1970-01-01T00:00:01.000Z one\n"
