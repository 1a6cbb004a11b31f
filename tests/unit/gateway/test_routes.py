import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest

from pileus.core.errors import NotFound, Unavailable
from pileus.core.fake_clock import FakeClock
from pileus.gateway.bundles import BundleCache
from pileus.gateway.errors import NothingKnown
from pileus.gateway.following import follow
from pileus.gateway.route_cache import RouteCache
from pileus.gateway.routes import LiveRoutes
from pileus.gateway.wiring import load_model
from tests.unit.gateway.installation import DEVELOPER, route, routes
from tests.unit.inference.graphs import write_echo_bundle, write_rows_bundle

BEARER = f"Bearer {DEVELOPER}"


@pytest.fixture
def clock():
    return FakeClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def open_routes(tmp_path, clock):
    def open_routes():
        return LiveRoutes(
            RouteCache(tmp_path / "routes.json"),
            BundleCache(tmp_path / "bundles"),
            lambda directory: load_model(directory, max_request_rows=100),
            clock,
            timedelta(hours=24),
        )

    return open_routes


@pytest.fixture
def first(tmp_path, link):
    return route(link.hold(write_rows_bundle(tmp_path / "made_1")))


@pytest.fixture
def second(tmp_path, link):
    return route(link.hold(write_echo_bundle(tmp_path / "made_2", "FP32")), number=2)


class TestLiveRoutes:
    async def test_a_revision_is_live_once_its_bundle_is_loaded(self, open_routes, link, first):
        live = open_routes()
        live.heard(routes(first))

        with pytest.raises(Unavailable, match="not loaded"):
            live.find("prj_a", "flowers")
        assert await live.load_missing(link)

        assert live.find("prj_a", "flowers").route == first

    async def test_the_old_revision_answers_until_the_new_one_is_loaded(
        self, open_routes, link, first, second
    ):
        live = open_routes()
        live.heard(routes(first))
        await live.load_missing(link)

        live.heard(routes(second, seq=2))
        assert live.find("prj_a", "flowers").route.number == 1
        link.is_away = True
        assert not await live.load_missing(link)
        assert live.find("prj_a", "flowers").route.number == 1
        link.is_away = False
        await live.load_missing(link)

        assert live.find("prj_a", "flowers").route.number == 2

    async def test_a_deleted_endpoint_is_gone_at_once(self, open_routes, link, first):
        live = open_routes()
        live.heard(routes(first))
        await live.load_missing(link)

        live.heard(routes(seq=2))

        with pytest.raises(NotFound):
            live.find("prj_a", "flowers")

    async def test_an_endpoint_made_again_does_not_serve_the_old_one(
        self, open_routes, link, first
    ):
        live = open_routes()
        live.heard(routes(first))
        await live.load_missing(link)

        again = first.model_copy(update={"endpoint": "end_z", "revision": "rev_z"})
        live.heard(routes(again, seq=2))

        with pytest.raises(Unavailable):
            live.find("prj_a", "flowers")

    async def test_a_revoked_token_is_gone_at_once(self, open_routes, first, clock):
        live = open_routes()
        live.heard(routes(first))
        assert live.tokens.authenticate(BEARER, clock.now()).project == "prj_a"

        live.heard(routes(first, seq=2, tokens=()))

        with pytest.raises(Exception, match="no valid token"):
            live.tokens.authenticate(BEARER, clock.now())

    async def test_a_blob_with_other_bytes_never_becomes_live(self, open_routes, link, first):
        live = open_routes()
        live.heard(routes(first))
        for digest in link.blobs:
            link.blobs[digest] = b"something else"

        assert not await live.load_missing(link)

        with pytest.raises(Unavailable, match="digest"):
            live.find("prj_a", "flowers")

    async def test_a_bug_in_one_bundle_does_not_stop_the_others(
        self, open_routes, link, first, second, monkeypatch
    ):
        live = open_routes()
        other = second.model_copy(update={"name": "other", "endpoint": "end_b"})
        live.heard(routes(first, other))
        load = live._load

        def load_all_but_one(directory):
            model = load(directory)
            if model.bundle.inputs[0].name == "x":
                raise ZeroDivisionError
            return model

        monkeypatch.setattr(live, "_load", load_all_but_one)

        assert not await live.load_missing(link)

        assert live.find("prj_a", "flowers").route == first
        with pytest.raises(Unavailable, match="internal error"):
            live.find("prj_a", "other")

    def test_without_cache_and_server_nothing_is_known(self, open_routes):
        live = open_routes()
        live.start()

        assert not live.is_known
        with pytest.raises(NothingKnown):
            _ = live.tokens

    async def test_it_is_stale_after_a_day_without_the_server(self, open_routes, first, clock):
        live = open_routes()
        live.heard(routes(first))

        clock.advance(24 * 3600)
        assert not live.is_stale
        clock.advance(1)
        assert live.is_stale
        live.heard(None)
        assert not live.is_stale


class TestCache:
    async def test_it_starts_and_serves_without_the_server(
        self, open_routes, link, first, clock, tmp_path
    ):
        live = open_routes()
        live.heard(routes(first))
        await live.load_missing(link)
        clock.advance(3600)

        again = open_routes()
        again.start()

        assert again.find("prj_a", "flowers").route == first
        assert again.tokens.authenticate(BEARER, clock.now()).role == "developer"
        assert again.seconds_since_contact == 3600
        assert (tmp_path / "routes.json").stat().st_mode & 0o777 == 0o600

    async def test_after_a_restart_the_old_revision_answers_while_the_new_one_is_missing(
        self, open_routes, link, first, second
    ):
        live = open_routes()
        live.heard(routes(first))
        await live.load_missing(link)
        live.heard(routes(second, seq=2))

        again = open_routes()
        again.start()

        assert again.find("prj_a", "flowers").route.number == 1

    async def test_a_damaged_bundle_is_fetched_again(self, open_routes, link, first, tmp_path):
        live = open_routes()
        live.heard(routes(first))
        await live.load_missing(link)
        [graph] = (tmp_path / "bundles").glob("*/model.onnx")
        graph.write_bytes(b"damaged")

        again = open_routes()
        again.start()
        with pytest.raises(Unavailable):
            again.find("prj_a", "flowers")
        await again.load_missing(link)

        assert again.find("prj_a", "flowers").route == first

    async def test_bundles_that_nothing_names_are_deleted(
        self, open_routes, link, first, second, tmp_path
    ):
        live = open_routes()
        live.heard(routes(first))
        await live.load_missing(link)
        live.heard(routes(second, seq=2))
        await live.load_missing(link)

        assert len(list((tmp_path / "bundles").iterdir())) == 1

    @pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"schema_": 1}'])
    def test_a_cache_that_cannot_be_read_is_as_none(self, open_routes, tmp_path, content):
        (tmp_path / "routes.json").write_bytes(content)

        live = open_routes()
        live.start()

        assert not live.is_known

    def test_a_full_disk_does_not_stop_the_news(self, open_routes, first, monkeypatch, caplog):
        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        live = open_routes()

        live.heard(routes(first))

        assert live.is_known
        assert "cannot save the routes" in caplog.text


class TestFollow:
    @pytest.fixture
    async def following(self, open_routes, link, clock):
        live = open_routes()
        task = asyncio.create_task(follow(live, link, clock, poll_seconds=0.05))
        yield live
        task.cancel()
        await asyncio.wait([task])

    async def test_news_arrive_and_the_next_question_is_for_newer_ones(
        self, following, link, first, clock
    ):
        link.document = routes(first, seq=5)

        await until(lambda: 5 in link.asked, clock)

        assert following.seq == 5

    async def test_a_server_that_returns_is_asked_for_everything(
        self, following, link, first, clock
    ):
        link.document = routes(first, seq=5)
        await until(lambda: 5 in link.asked, clock)

        link.is_away = True
        await asyncio.sleep(0.1)
        link.is_away, link.asked = False, []
        # Restored from a copy: its sequence is lower than what we saw.
        link.document = routes(seq=3)

        await until(lambda: following.seq == 3, clock)
        assert link.asked[0] == 0

    async def test_a_stale_cache_raises_one_alarm_an_hour(
        self, following, link, first, clock, caplog
    ):
        link.document = routes(first, seq=5)
        await until(lambda: following.is_known, clock)
        link.is_away = True
        await asyncio.sleep(0.1)

        for _ in range(5):
            clock.advance(25 * 3600 if not following.is_stale else 10)
            await asyncio.sleep(0.01)

        assert caplog.text.count("ALARM") == 1


async def until(condition, clock):
    for _ in range(200):
        if condition():
            return
        clock.advance(0.5)
        await asyncio.sleep(0.01)
    raise TimeoutError
