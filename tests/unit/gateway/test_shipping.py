import pytest

from pileus.core.errors import PileusError
from pileus.core.fake_clock import FakeClock
from pileus.gateway.boot import LaneBoot, lanes_on_disk, new_boot
from pileus.gateway.meter_file import MeterKey
from pileus.gateway.meters import Meters, find_dead
from pileus.gateway.records import Records
from pileus.gateway.shipping import Shipper

KEY = MeterKey("prj_a", "tok_1", "rev_1", "prc_1")


class Lane:
    """The parts of a lane that owe the server something."""

    def __init__(self, directory, link, boot, clock, max_segments_bytes=1 << 20):
        self.meters = Meters(directory / "meters", boot)
        self.records = Records(
            directory / "segments", boot, clock, segment_bytes=10, segment_seconds=1
        )
        self.shipper = Shipper(
            link,
            self.meters,
            self.records,
            clock,
            directory=directory,
            max_segments_bytes=max_segments_bytes,
            ship_seconds=1,
        )

    def answer(self, rows=1):
        self.meters.slot(KEY).advance(predictions=rows, bytes_in=1, bytes_out=1, errors=0)
        self.records.next_id("prj_a")
        self.records.append("prj_a", b'{"id": "prd_x"}')

    def die(self):
        """What the kernel does to a killed process: descriptors close, nothing else happens."""
        self.shipper.close()
        self.records.close()
        self.meters.close()


@pytest.fixture
def open_lane(tmp_path, link):
    lanes = []

    def open_lane(number=1, **more):
        lane = Lane(tmp_path, link, LaneBoot(f"{number:032x}", number), FakeClock(), **more)
        lanes.append(lane)
        return lane

    yield open_lane
    lanes[-1].die()


class TestShipper:
    async def test_meters_leave_only_when_they_changed(self, open_lane, link):
        lane = open_lane()
        lane.answer()

        assert await lane.shipper.ship()
        assert await lane.shipper.ship()
        assert len(link.reports) == 1
        lane.answer()
        await lane.shipper.ship()

        assert link.totals() == (2, 2, 0)

    async def test_a_sealed_segment_is_deleted_after_it_was_taken(self, open_lane, link, tmp_path):
        lane = open_lane()
        lane.answer()

        link.is_away = True
        assert not await lane.shipper.ship()
        assert len(list(tmp_path.rglob("*.sealed"))) == 1
        link.is_away = False
        await lane.shipper.ship()

        assert list(tmp_path.rglob("*.sealed")) == []
        assert list(link.segments.values()) == [b'{"id": "prd_x"}\n']

    async def test_records_of_a_deleted_project_are_dropped_and_counted(
        self, open_lane, link, tmp_path, monkeypatch
    ):
        async def refuse(segment, content):
            raise PileusError.from_wire({"code": "project_not_found", "family": "not_found"})

        monkeypatch.setattr(link, "put_segment", refuse)
        lane = open_lane()
        lane.answer()

        assert await lane.shipper.ship()

        assert list(tmp_path.rglob("*.sealed")) == []
        assert lane.records.dropped == 1

    async def test_what_a_dead_lane_owed_is_shipped_by_the_next(self, open_lane, link, tmp_path):
        link.is_away = True
        first = open_lane(1)
        first.answer(rows=4)
        await first.shipper.ship()
        first.die()
        link.is_away = False

        second = open_lane(2)
        second.answer(rows=3)
        await second.shipper.ship()

        assert link.totals() == (2, 7, 0)
        assert [report.final for report in link.reports] == [True, False]
        assert len(link.segments) == 2
        assert [path.name[:4] for path in (tmp_path / "meters").iterdir()] == ["0002"]

    async def test_a_dead_lanes_meters_stay_until_the_server_has_them(self, open_lane, link):
        first = open_lane(1)
        first.answer()
        first.die()
        link.is_away = True

        second = open_lane(2)
        assert not await second.shipper.ship()
        second.die()
        third = open_lane(3)
        link.is_away = False
        await third.shipper.ship()

        assert link.totals() == (1, 1, 0)

    async def test_a_report_that_was_not_taken_keeps_the_file(
        self, open_lane, link, tmp_path, monkeypatch
    ):
        first = open_lane(1)
        first.answer()
        first.die()

        async def taken_before(report):
            return report.sequence - 1

        monkeypatch.setattr(link, "push_meters", taken_before)
        second = open_lane(2)
        await second.shipper.ship()
        second.die()

        assert len(find_dead_and_close(tmp_path)) == 2
        open_lane(3)

    async def test_segments_are_bounded_while_the_server_is_away(self, open_lane, link, tmp_path):
        lane = open_lane(max_segments_bytes=40)
        link.is_away = True
        for _ in range(5):
            lane.answer()

        await lane.shipper.ship()

        assert len(list(tmp_path.rglob("*.sealed"))) == 2
        assert lane.records.dropped == 3
        assert lane.meters.report().counters[0].requests == 5

    async def test_the_last_round_is_final(self, open_lane, link):
        lane = open_lane()
        lane.answer()

        assert await lane.shipper.finish()

        assert link.reports[-1].final


def find_dead_and_close(directory):
    found = find_dead(directory / "meters")
    for dead in found:
        dead.close()
    return found


class TestNewBoot:
    def test_a_lane_number_with_files_here_is_not_taken_again(self, tmp_path):
        (tmp_path / "meters").mkdir()
        (tmp_path / "meters" / f"0005-{'ab' * 16}-0000.meter").touch()
        (tmp_path / "segments" / f"0006-{'ab' * 16}").mkdir(parents=True)
        taken = lanes_on_disk(tmp_path)

        boot = new_boot(Bits(5, 6, 9, 1), taken)

        assert taken == {5, 6}
        assert (boot.lane, boot.source) == (9, f"{1:032x}")


class Bits:
    def __init__(self, *values):
        self._values = iter(values)

    def getrandbits(self, k):
        return next(self._values)
