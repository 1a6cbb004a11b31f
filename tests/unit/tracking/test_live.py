"""Logs that outgrow what is kept of them while they are written."""

from __future__ import annotations

import os

import pytest

from pileus.core.stamps import RECORD
from pileus.tracking import live
from pileus.tracking.live import append, gap_in, read, remove
from tests.unit.kills import kill_at

MOST = 1024 * 1024

LINE = 64


def line(number):
    return f"line {number} ".encode().ljust(LINE - 1, b".") + b"\n"


def write(path, start, count, most=MOST, step=1000):
    for first in range(start, start + count, step):
        data = b"".join(line(number) for number in range(first, first + step))
        append(path, first * LINE, data, most)


def whole(path):
    """All that a reader gets, and the offsets at which the parts of it begin."""
    found, starts, offset = [], [], 0
    while (part := read(path, offset)) is not None and part[0]:
        found.append(part[0])
        starts.append(offset)
        offset = part[1]
    return b"".join(found), starts


@pytest.fixture
def path(tmp_path):
    return tmp_path / "att_1" / "stdout"


class TestAppend:
    def test_a_log_that_grows_never_takes_much_more_than_is_kept(self, path):
        sizes = []
        for start in range(0, 100_000, 2000):
            write(path, start, 2000)
            sizes.append(path.stat().st_blocks * 512)

        assert path.stat().st_size == 100_000 * LINE
        assert max(sizes) < MOST * 1.25 + 200_000

    def test_head_and_tail_are_there_and_a_line_says_what_is_not(self, path):
        write(path, 0, 100_000)

        text, _ = whole(path)
        gap = gap_in(path)
        head, tail = gap.start // LINE, gap.end // LINE
        assert gap.start == MOST // 2
        assert text == (
            b"".join(map(line, range(head))) + gap.text + b"".join(map(line, range(tail, 100_000)))
        )
        assert gap.lines == tail - head
        assert MOST // 2 <= 100_000 * LINE - gap.end <= MOST

    def test_who_reads_in_the_middle_goes_on_behind_it(self, path):
        write(path, 0, 100_000)
        gap = gap_in(path)

        assert read(path, gap.start + 77) == (gap.text, gap.end)

    def test_who_read_before_the_middle_was_freed_gets_no_zeros(self, path, monkeypatch):
        write(path, 0, 16_000)
        read_file = live.read_file

        def late(path, offset):
            write(path, 16_000, 60_000)
            return read_file(path, offset)

        monkeypatch.setattr(live, "read_file", late)
        part = read(path, 600 * LINE)

        assert part is not None
        data, end = part
        assert data == b"".join(map(line, range(600, end // LINE)))
        assert end == gap_in(path).start

    def test_times_of_what_is_left_out_go_too(self, path):
        times = path.with_name("stdout.times")
        for start in range(0, 100_000, 1000):
            records = [RECORD.pack((n + 1) * LINE, n) for n in range(start, start + 1000)]
            append(times, start * RECORD.size, b"".join(records))
            write(path, start, 1000)
        gap, kept = gap_in(path), list(RECORD.iter_unpack(whole(times)[0]))

        head, tail = gap.start // LINE, gap.end // LINE
        assert [number for _, number in kept] == [*range(head + 1), *range(tail, 100_000)]
        assert times.stat().st_size == 100_000 * RECORD.size
        assert times.stat().st_blocks * 512 < 600_000

    def test_what_is_written_in_part_goes_on_behind_that(self, path, monkeypatch):
        write_all = os.write
        monkeypatch.setattr(os, "write", lambda file, data: write_all(file, data[:7]))

        end = append(path, 0, line(1))

        assert (end, path.read_bytes()) == (LINE, line(1))

    def test_bytes_that_come_again_are_not_counted_again(self, path):
        write(path, 0, 50_000)
        once = gap_in(path)

        write(path, 0, 50_000)

        assert gap_in(path) == once

    @pytest.mark.parametrize("point", ["stream.gap_written", "stream.gap_recorded"])
    def test_a_kill_about_the_word_and_the_deed_loses_nothing_that_is_kept(
        self, path, tmp_path, point
    ):
        kill_at(point, tmp_path / "points", lambda: write(path, 0, 100_000), passes=1)
        number = path.stat().st_size // LINE

        write(path, number, 40_000)

        text, _ = whole(path)
        gap = gap_in(path)
        assert text.startswith(line(0))
        assert b"\0" not in text
        assert text.endswith(line(number + 39_999))
        assert gap.lines == gap.size // LINE

    def test_at_once_only_what_is_small_and_shortens_nothing(self, path):
        large = bytes(live.SMALL_BYTES + 1)

        assert live.append_at_once(path, 0, large) is None
        assert live.append_at_once(path, 0, b"hello", most=4) is None
        assert not path.exists()
        assert live.append_at_once(path, 0, b"hello", most=5) == 5

    def test_removed_is_all_of_it(self, path):
        write(path, 0, 50_000)

        remove(path)

        assert list(path.parent.iterdir()) == []
