"""Lines of a log by when they were written: while it runs, after it, and of one without times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pileus.core.stamps import RECORD, WIDTH, micros_of
from pileus.tracking import timed as module
from pileus.tracking.streams import record_sealed
from pileus.tracking.timed import Log, Wanted, start_of, timed

LOG = Log("prj_1", "att_1", "stdout")
BEGIN = datetime(2026, 11, 28, 20, 0, 0, tzinfo=UTC)
COUNT = 100


def at(number):
    """When line `number` was written: one a second."""
    return BEGIN + timedelta(seconds=number)


def line(number):
    return b"line %d\n" % number


async def write(streams, *, stamped=True):
    data = b"".join(map(line, range(COUNT)))
    await streams.append("att_1", "stdout", 0, data)
    if stamped:
        end, records = 0, []
        for number in range(COUNT):
            end += len(line(number))
            records.append(RECORD.pack(end, micros_of(at(number))))
        await streams.append("att_1", "stdout.times", 0, b"".join(records))


async def seal(streams, database):
    sealed = await streams.seal("prj_1", "att_1")
    await database.write(lambda t: record_sealed(t, "prj_1", "att_1", sealed))
    await streams.drop("att_1")
    return sealed


@pytest.fixture(params=["live", "sealed"])
async def written(request, streams, database):
    await write(streams)
    if request.param == "sealed":
        await seal(streams, database)
    return streams


async def text(streams, **wanted):
    return b"".join([piece async for piece in timed(streams, LOG, Wanted(**wanted))])


class TestTimed:
    async def test_each_line_after_its_time(self, written):
        lines = (await text(written, timestamps=True)).splitlines(keepends=True)

        assert lines[0] == b"2026-11-28T20:00:00.000Z line 0\n"
        assert lines[99] == b"2026-11-28T20:01:39.000Z line 99\n"
        assert b"".join(one[WIDTH:] for one in lines) == b"".join(map(line, range(COUNT)))

    @pytest.mark.parametrize(
        "since, until, expected",
        [
            (at(90), None, range(90, COUNT)),
            (at(90) + timedelta(milliseconds=1), None, range(91, COUNT)),
            (None, at(3), range(4)),
            (at(40), at(41.5), range(40, 42)),
            (at(200), None, range(0)),
            (None, at(-1), range(0)),
        ],
    )
    async def test_only_those_of_a_time(self, written, since, until, expected):
        assert await text(written, since=since, until=until) == b"".join(map(line, expected))

    async def test_in_whatever_pieces_it_is_read(self, written, monkeypatch):
        monkeypatch.setattr("pileus.tracking.live.READ_BYTES", 48)
        monkeypatch.setattr("pileus.tracking.streams.READ_BYTES", 48)

        found = await text(written, since=at(10), until=at(12), timestamps=True)

        assert found.splitlines() == [
            b"2026-11-28T20:00:%d.000Z line %d" % (number, number) for number in (10, 11, 12)
        ]

    async def test_a_log_without_times_stays_readable(self, streams, database):
        await write(streams, stamped=False)
        await seal(streams, database)

        assert await text(streams, since=at(90)) == b"".join(map(line, range(COUNT)))
        shown = await text(streams, timestamps=True)
        assert shown.splitlines()[7] == b"-".ljust(WIDTH) + b"line 7"

    async def test_what_is_kept_of_a_large_log_keeps_its_times(self, streams, database):
        streams._log_bytes = 40
        await write(streams)
        sealed = {one.name: one for one in await seal(streams, database)}

        lines = (await text(streams, timestamps=True)).splitlines()

        assert lines[:2] == [
            b"2026-11-28T20:00:00.000Z line 0",
            b"2026-11-28T20:00:01.000Z line 1",
        ]
        assert lines[2].startswith(b"-".ljust(WIDTH) + b"[")
        assert lines[-1] == b"2026-11-28T20:01:39.000Z line 99"
        assert all(one[WIDTH:].endswith(one[17:19].lstrip(b"0") or b"0") for one in lines[:2])
        assert sealed["stdout.times"].stored <= 8 * RECORD.size


class TestStartOf:
    async def test_the_line_that_ends_then_is_there_from_its_begin(self, streams):
        await streams.append("att_1", "stdout", 0, b"one\ntwo and more\n")
        records = RECORD.pack(6, micros_of(at(0))) + RECORD.pack(17, micros_of(at(5)))
        await streams.append("att_1", "stdout.times", 0, records)

        assert await start_of(streams, LOG, at(3)) == 4
        assert await start_of(streams, LOG, at(0)) == 0

    async def test_a_line_that_is_too_long_begins_somewhere(self, streams, monkeypatch):
        monkeypatch.setattr(module, "_BACK_BYTES", 8)
        await streams.append("att_1", "stdout", 0, b"x" * 30)
        await streams.append("att_1", "stdout.times", 0, RECORD.pack(20, micros_of(at(0))))

        assert await start_of(streams, LOG, at(3)) == 12
