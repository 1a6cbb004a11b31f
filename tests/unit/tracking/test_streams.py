"""Streams: appended by offset, sealed at the end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pileus.tracking import live
from pileus.tracking import streams as module
from pileus.tracking.errors import StreamGap, StreamUnknown
from pileus.tracking.streams import record_sealed


async def seal(streams, database, attempt="att_1", project="prj_1"):
    sealed = await streams.seal(project, attempt)
    await database.write(lambda t: record_sealed(t, project, attempt, sealed))
    await streams.drop(attempt)
    return sealed


class TestGrowth:
    async def test_who_waits_hears_of_an_append_and_of_the_end(self, streams, database):
        grows = streams.growth("att_1")
        await streams.append("att_2", "stdout", 0, b"another's")
        is_quiet = not grows.is_set()
        await streams.append("att_1", "stdout", 0, b"hello")
        ends = streams.growth("att_1")
        still_waits = not ends.is_set()
        await seal(streams, database)

        assert (is_quiet, still_waits) == (True, True)
        assert grows.is_set()
        assert ends.is_set()

    async def test_nothing_is_kept_of_those_that_went_away(self, streams):
        streams.growth("att_1")

        assert not streams._growing


class TestAppend:
    async def test_the_same_bytes_at_once_are_written_once(self, streams):
        data = bytes(range(256)) * 4000

        ends = await asyncio.gather(*(streams.append("att_1", "stdout", 0, data) for _ in range(8)))

        assert set(ends) == {len(data)}
        assert await streams.lines("prj_1", "att_1", "stdout") == data

    async def test_an_overlap_adds_only_what_is_new(self, streams):
        await streams.append("att_1", "stdout", 0, b"hello")

        assert await streams.append("att_1", "stdout", 3, b"lo world") == 11
        assert await streams.lines("prj_1", "att_1", "stdout") == b"hello world"

    async def test_a_gap_is_refused_with_the_end(self, streams):
        await streams.append("att_1", "stdout", 0, b"hello")

        with pytest.raises(StreamGap, match="which is 5"):
            await streams.append("att_1", "stdout", 9, b"x")

    @pytest.mark.parametrize("name", ["../../etc", "stdin", ""])
    async def test_only_known_streams_exist(self, streams, name):
        with pytest.raises(StreamUnknown):
            await streams.append("att_1", name, 0, b"x")


class TestSeal:
    async def test_a_sealed_stream_reads_as_it_did(self, streams, database, monkeypatch):
        monkeypatch.setattr(module, "READ_BYTES", 10)
        data = b"0123456789" * 7 + b"end"
        await streams.append("att_1", "stdout", 0, data)

        [sealed] = await seal(streams, database)

        assert sealed.size == len(data)
        assert await streams.lines("prj_1", "att_1", "stdout") == data
        last = await streams.read("prj_1", "att_1", "stdout", 70)
        assert (last.data, last.is_final) == (b"end", True)

    async def test_an_empty_stream_is_final_and_empty(self, streams, database):
        await streams.append("att_1", "stderr", 0, b"")
        await seal(streams, database)

        chunk = await streams.read("prj_1", "att_1", "stderr", 0)

        assert (chunk.data, chunk.is_final) == (b"", True)

    async def test_a_late_append_does_not_hide_what_was_sealed(self, streams, database):
        await streams.append("att_1", "stdout", 0, b"all of it")
        await seal(streams, database)

        await streams.append("att_1", "stdout", 0, b"all")

        assert await streams.lines("prj_1", "att_1", "stdout") == b"all of it"

    async def test_another_project_reads_nothing(self, streams, database):
        await streams.append("att_1", "stdout", 0, b"secret")
        await seal(streams, database)

        assert await streams.lines("prj_2", "att_1", "stdout") == b""

    async def test_an_append_that_is_under_way_is_not_taken_for_none(
        self, streams, database, monkeypatch
    ):
        may_write, append, removed = threading.Event(), live.append, []
        late = bytes(live.SMALL_BYTES + 1)

        def slow(*arguments):
            may_write.wait(5)
            return append(*arguments)

        monkeypatch.setattr(live, "append", slow)
        appending = asyncio.create_task(streams.append("att_1", "stdout", 0, late))
        await asyncio.sleep(0)
        monkeypatch.setattr(live, "remove", lambda path: removed.append(path.name))

        await streams.drop("att_1")
        may_write.set()

        assert await appending == len(late)
        assert "stdout" in removed
        removed.clear()
        await streams.drop("att_2")
        assert not removed

    async def test_an_append_waits_for_who_holds_the_file_and_nobody_for_that(self, streams):
        await streams.append("att_1", "stdout", 0, b"first")

        async with live.unchanged(streams._path("att_1", "stdout")):
            appending = asyncio.create_task(streams.append("att_1", "stdout", 5, b", second"))
            await asyncio.sleep(0.05)
            assert await streams.append("att_1", "stderr", 0, b"beside") == 6
            assert not appending.done()

        assert await appending == 13


class TestQuota:
    async def test_head_and_tail_are_kept_and_the_middle_is_counted(
        self, streams, database, monkeypatch
    ):
        monkeypatch.setattr(module, "READ_BYTES", 16)
        streams._log_bytes = 40
        data = b"".join(b"line %d\n" % number for number in range(10, 99))
        await streams.append("att_1", "stdout", 0, data)

        [sealed] = await seal(streams, database)

        kept = await streams.lines("prj_1", "att_1", "stdout")
        gap = sealed.gap
        assert kept == data[: gap.start] + gap.text + data[gap.end :]
        assert kept.startswith(b"line 10\nline 11\n[85 lines, ")
        assert kept.endswith(b"left out: see log_mib]\nline 97\nline 98\n")
        assert sealed.stored == len(kept) - len(gap.text) <= 40

    async def test_who_followed_goes_on_where_it_was(self, streams, database):
        streams._log_bytes = 40
        data = b"".join(b"line %d\n" % number for number in range(10, 99))
        await streams.append("att_1", "stdout", 0, data)
        await seal(streams, database)

        last = await streams.read("prj_1", "att_1", "stdout", len(data) - 3)
        middle = await streams.read("prj_1", "att_1", "stdout", 100)

        assert (last.data, last.is_final) == (b"98\n", True)
        assert data[middle.next_offset :] == b"line 97\nline 98\n"
