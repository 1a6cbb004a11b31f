import asyncio
import contextlib

import pytest

from pileus.core.clock import SystemClock
from pileus.core.errors import InvalidRequest
from pileus.core.retrying import Backoff
from pileus.worker import streams as module
from pileus.worker.streams import StreamShipper
from tests.unit.compute.building import make_directory
from tests.unit.worker.fakes import FakeServer, named, pieces


@pytest.fixture
def layout(tmp_path):
    return make_directory(tmp_path)


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def make_shipper(layout, server):
    clock = SystemClock()

    def make(*, is_new=False, kept_bytes=1 << 28):
        backoff = Backoff(clock, 0.01)
        return StreamShipper(
            "att_1", layout, server, clock, backoff, is_new=is_new, kept_bytes=kept_bytes
        )

    return make


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  files have no event
            await asyncio.sleep(0.001)


class TestDrain:
    async def test_everything_arrives(self, make_shipper, layout, server):
        layout.stdout.write_bytes(b"x" * 2_500_000)
        layout.metrics.write_bytes(b"{}\n")

        await make_shipper().drain()

        assert server.stream("att_1") == b"x" * 2_500_000
        assert server.stream("att_1", "metrics") == b"{}\n"

    async def test_what_a_link_leads_to_is_not_sent(self, make_shipper, layout, server, tmp_path):
        (tmp_path / "theirs").write_bytes(b"theirs")
        layout.stdout.unlink(missing_ok=True)
        layout.stdout.symlink_to(tmp_path / "theirs")

        await make_shipper().drain()

        assert server.stream("att_1") == b""

    async def test_only_what_is_new_is_sent(self, make_shipper, layout, server):
        shipper = make_shipper()
        layout.stdout.write_bytes(b"one\n")
        await shipper.drain()
        with layout.stdout.open("ab") as file:
            file.write(b"two\n")

        await shipper.drain()

        assert server.stream("att_1") == b"one\ntwo\n"

    async def test_another_worker_goes_on_where_the_server_is(self, make_shipper, layout, server):
        layout.stdout.write_bytes(b"one\n")
        await make_shipper().drain()
        layout.stdout.write_bytes(b"one\ntwo\n")

        await make_shipper().drain()

        assert server.stream("att_1") == b"one\ntwo\n"

    async def test_a_server_that_lost_bytes_gets_them_again(self, make_shipper, layout, server):
        shipper = make_shipper()
        layout.stdout.write_bytes(b"one\n")
        await shipper.drain()
        await server.append("att_1", "stdout", 0, pieces(b"one\n"))
        del server.streams["att_1", "stdout"]
        layout.stdout.write_bytes(b"one\ntwo\n")

        await shipper.drain()

        assert server.stream("att_1") == b"one\ntwo\n"

    async def test_files_that_are_not_there_hold_nothing_up(self, make_shipper, server):
        await make_shipper().drain()

        assert server.stream("att_1") == b""

    async def test_of_a_new_attempt_nothing_is_asked_before_the_first_bytes_go(
        self, make_shipper, layout, server, monkeypatch
    ):
        calls = []
        append = server.append

        async def counted(attempt, name, start, sent):
            data = b"".join([piece async for piece in sent])
            calls.append((name, start, data))
            return await append(attempt, name, start, pieces(data))

        monkeypatch.setattr(server, "append", counted)
        layout.stdout.write_bytes(b"one\n")

        await make_shipper(is_new=True).drain()

        assert calls == [("stdout", 0, b"one\n")]

    async def test_times_go_with_their_log(self, make_shipper, layout, server):
        layout.stderr.write_bytes(b"one\n")
        layout.stderr_times.write_bytes(bytes(16))

        await make_shipper(is_new=True).drain()

        assert server.stream("att_1", "stderr.times") == bytes(16)

    async def test_a_server_that_knows_no_times_does_not_hold_the_end_up(
        self, make_shipper, layout, server, monkeypatch
    ):
        append = server.append

        async def old(attempt, name, start, piece):
            if name.endswith(".times"):
                raise named("stream_unknown", InvalidRequest("not known"))
            return await append(attempt, name, start, piece)

        monkeypatch.setattr(server, "append", old)
        layout.stdout.write_bytes(b"one\n")
        layout.stdout_times.write_bytes(bytes(16))

        await make_shipper().drain()

        assert server.stream("att_1") == b"one\n"

    async def test_of_a_large_log_the_node_keeps_the_ends_and_what_is_not_sent(
        self, make_shipper, layout, server
    ):
        kept = 8 << 20
        data = bytes(range(1, 251)) * (40 * (1 << 20) // 250)
        layout.stdout.write_bytes(data)

        await make_shipper(kept_bytes=kept).drain()

        there = layout.stdout.read_bytes()
        assert server.stream("att_1") == data
        assert there[: kept // 2] == data[: kept // 2]
        assert there[-kept // 2 :] == data[-kept // 2 :]
        assert layout.stdout.stat().st_blocks * 512 <= kept + 9 * (1 << 20)


class TestFollow:
    async def test_what_comes_soon_goes_with_the_request_under_way(
        self, make_shipper, layout, server, monkeypatch
    ):
        monkeypatch.setattr(module, "_LINGER_LOOKS", 500)
        sent: list[list[bytes]] = []
        append = server.append

        async def counted(attempt, name, start, given):
            parts: list[bytes] = []
            sent.append(parts)
            async for piece in given:
                parts.append(piece)  # noqa: PERF401  each is seen as it comes
            return await append(attempt, name, start, pieces(*parts))

        monkeypatch.setattr(server, "append", counted)
        shipper = make_shipper(is_new=True)
        following = asyncio.create_task(shipper.follow(0.05))
        for line in (b"one\n", b"two\n", b"end\n"):
            with layout.stdout.open("ab") as file:
                file.write(line)
            await until(lambda line=line: sent and sent[-1][-1:] == [line])

        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await shipper.drain()

        assert sent == [[b"one\n", b"two\n", b"end\n"]]
        assert server.stream("att_1") == b"one\ntwo\nend\n"

    async def test_what_is_written_a_little_at_a_time_goes_in_a_few_pieces(
        self, make_shipper, layout, server, monkeypatch
    ):
        sizes: list[int] = []
        append = server.append

        async def counted(attempt, name, start, given):
            parts = [piece async for piece in given]
            sizes.extend(map(len, parts))
            return await append(attempt, name, start, pieces(*parts))

        monkeypatch.setattr(server, "append", counted)
        monkeypatch.setattr(module, "_PACE_SECONDS", 60)
        following = asyncio.create_task(make_shipper(is_new=True).follow(0.05))
        with layout.stdout.open("ab", buffering=0) as file:
            for _ in range(100):
                file.write(b"line\n")
                await asyncio.sleep(0.001)

        following.cancel()  # which ends the pause
        with contextlib.suppress(asyncio.CancelledError):
            await following

        assert server.stream("att_1") == b"line\n" * (sum(sizes) // 5)
        assert len(sizes) <= 2

    async def test_a_full_piece_is_followed_at_once(
        self, make_shipper, layout, server, monkeypatch
    ):
        monkeypatch.setattr(module, "_PIECE_BYTES", 1000)
        monkeypatch.setattr(module, "_PACE_SECONDS", 60)
        monkeypatch.setattr(module, "_LINGER_LOOKS", 1)
        layout.stdout.write_bytes(b"x" * 10_000)

        following = asyncio.create_task(make_shipper(is_new=True).follow(0.05))
        await until(lambda: server.stream("att_1") == b"x" * 10_000)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    async def test_the_first_looks_are_close_together_and_then_as_far_apart_as_told(
        self, layout, server
    ):
        pauses = []

        class Ended(Exception):
            pass

        class Clock(SystemClock):
            async def sleep(self, seconds):
                pauses.append(seconds)
                if len(pauses) == 57:
                    raise Ended

        clock = Clock()
        shipper = StreamShipper(
            "att_1", layout, server, clock, Backoff(clock, 0.01), is_new=True, kept_bytes=1 << 28
        )

        with pytest.raises(Ended):
            await shipper.follow(0.05)

        assert pauses == [0.001] * 50 + [0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.05]
