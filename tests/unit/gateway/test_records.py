import errno
import os

import pytest

from pileus.core import ids
from pileus.core.fake_clock import FakeClock
from pileus.gateway.boot import LaneBoot
from pileus.gateway.records import Records
from pileus.gateway.segments import drop_oldest, seal_dead, sealed_segments

BOOT = LaneBoot("cd" * 16, 0xBEEF)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def records(tmp_path, clock):
    records = Records(tmp_path, BOOT, clock, segment_bytes=100, segment_seconds=1.0)
    yield records
    records.close()


def address(identifier):
    bits = ids.free_bits(identifier, "prd")
    return bits >> 58, (bits >> 32) & ((1 << 26) - 1), bits & ((1 << 32) - 1)


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


class TestRecords:
    def test_an_id_is_an_address(self, records):
        first, second = records.next_id("prj_a"), records.next_id("prj_a")
        other = records.next_id("prj_b")

        assert address(first) == (0xBEEF, 0, 0)
        assert address(second) == (0xBEEF, 0, 1)
        assert address(other) == (0xBEEF, 1, 0)

    def test_a_segment_is_sealed_at_its_size(self, tmp_path, records):
        records.next_id("prj_a")
        records.append("prj_a", b"x" * 100)

        [segment] = sealed_segments(tmp_path)
        assert (segment.lane, segment.source) == (BOOT.lane, BOOT.source)
        assert (segment.project, segment.number, segment.size) == ("prj_a", 0, 101)
        assert address(records.next_id("prj_a"))[1] == 1

    def test_a_segment_is_sealed_at_its_age(self, tmp_path, records, clock):
        records.next_id("prj_a")
        records.append("prj_a", b"{}")

        clock.advance(0.5)
        records.seal_due()
        assert sealed_segments(tmp_path) == []
        clock.advance(0.5)
        records.seal_due()
        assert len(sealed_segments(tmp_path)) == 1

    def test_a_project_of_any_name_keeps_it(self, tmp_path, records, clock):
        records.next_id("å.b/c")
        records.append("å.b/c", b"{}")
        clock.advance(2)
        records.seal_due()

        assert sealed_segments(tmp_path)[0].project == "å.b/c"

    def test_a_full_disk_drops_and_counts(self, tmp_path, records, clock, monkeypatch):
        monkeypatch.setattr("pileus.gateway.records._PIECE_BYTES", 6)
        records.next_id("prj_a")
        records.append("prj_a", b"first")

        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", full)
            records.append("prj_a", b"second")
        records.append("prj_a", b"third")

        clock.advance(2)
        records.seal_due()
        assert records.dropped == 1
        assert sealed_segments(tmp_path)[0].path.read_bytes() == b"first\nthird\n"

    def test_what_was_dropped_is_told_once_there_is_room_for_that_as_well(
        self, records, monkeypatch, caplog
    ):
        records.next_id("prj_a")

        monkeypatch.setattr("pileus.gateway.records._PIECE_BYTES", 6)
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", full)
            records.append("prj_a", b"first")
            records.append("prj_a", b"second")
        caplog.clear()
        records.append("prj_a", b"third")
        records.append("prj_a", b"fourth")

        assert [line.getMessage() for line in caplog.records] == [
            "There is room again; 2 records of predictions were dropped so far"
        ]

    def test_half_a_record_of_a_lane_that_died_is_taken_back(self, tmp_path, clock):
        records = Records(tmp_path, BOOT, clock, segment_bytes=100, segment_seconds=1.0)
        records.next_id("prj_a")
        records.append("prj_a", b"first")
        (segment,) = records._segments.values()
        segment.memory[segment.size : segment.size + 3] = b"sec"  # killed in the middle of it
        os.close(records._lock)

        seal_dead(tmp_path)

        assert sealed_segments(tmp_path)[0].path.read_bytes() == b"first\n"

    def test_a_segment_grows_past_what_was_allocated(self, tmp_path, records, clock, monkeypatch):
        monkeypatch.setattr("pileus.gateway.records._PIECE_BYTES", 16)
        lines = [b"a" * length for length in (1, 14, 15, 16, 40)]
        records.next_id("prj_a")
        for line in lines:
            records.append("prj_a", line)
        clock.advance(2)
        records.seal_due()

        content = sealed_segments(tmp_path)[0].path.read_bytes()
        assert content == b"".join(line + b"\n" for line in lines)


class TestSegments:
    def test_a_living_lanes_segment_stays_open(self, tmp_path, records):
        records.next_id("prj_a")
        records.append("prj_a", b"{}")

        seal_dead(tmp_path)

        assert sealed_segments(tmp_path) == []

    def test_a_dead_lanes_segment_is_sealed_without_its_torn_line(self, tmp_path):
        lane = tmp_path / f"0001-{'ef' * 16}"
        lane.mkdir()
        (lane / "prj_a.0.open").write_bytes(b'{"id":1}\n{"id":2}\n{"i')
        (lane / "prj_b.1.open").write_bytes(b'{"i')

        seal_dead(tmp_path)

        [segment] = sealed_segments(tmp_path)
        assert segment.path.read_bytes() == b'{"id":1}\n{"id":2}\n'

    def test_an_empty_directory_of_a_dead_lane_goes(self, tmp_path):
        (tmp_path / f"0001-{'ef' * 16}").mkdir()

        seal_dead(tmp_path)

        assert list(tmp_path.iterdir()) == []

    def test_the_oldest_are_dropped_first_and_counted(self, tmp_path):
        lane = tmp_path / f"0001-{'ef' * 16}"
        lane.mkdir()
        for number in range(3):
            path = lane / f"prj_a.{number}.sealed"
            path.write_bytes(b"{}\n" * 10)
            os.utime(path, (number, number))

        dropped = drop_oldest(sealed_segments(tmp_path), 45)

        assert dropped == 20
        assert [segment.number for segment in sealed_segments(tmp_path)] == [2]
