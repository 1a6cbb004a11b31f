import json
import logging
from pathlib import Path

import pytest

from pileus.core.fake_clock import FakeClock
from pileus.worker.usage import UsageShipper, sample_in
from tests.unit.worker.fakes import FakeServer

SAMPLE = {
    "schema": 1,
    "taken_at": 90.0,
    "cpu_milli": 900,
    "cpu_ms": 4000,
    "memory_mib": 80,
    "memory_peak_mib": 120,
    "disk_mib": None,
    "processes": 2,
}


class Node:
    """A shipper, the files that it looks at, and the server that it tells."""

    def __init__(self, root):
        self.root = root
        self.clock = FakeClock()
        self.clock.advance(100)
        self.server = FakeServer()
        self.id = "nod_1"
        self.files: dict[str, Path] = {}
        self.shipper = UsageShipper(
            self.server,
            lambda: dict(self.files),
            lambda: self.id,
            "boot",
            self.clock,
            5.0,
            lambda: {"GPU-1": 930},
        )

    def run(self, attempt, **fields):
        self.files[attempt] = self.root / f"{attempt}.json"
        if fields:
            self.files[attempt].write_text(json.dumps(SAMPLE | fields))

    async def told(self):
        await self.shipper.ship()
        return [[sample.attempt for sample in report.samples] for report in self.server.usage]


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path)


class TestUsageShipper:
    async def test_nothing_is_told_while_nothing_runs(self, node):
        assert await node.told() == []

    async def test_nothing_is_told_of_one_that_nobody_has_looked_at(self, node):
        node.run("att_1")

        assert await node.told() == []

    async def test_a_first_sample_is_told_at_once_with_its_age(self, node):
        node.run("att_1", cpu_milli=700)

        assert await node.told() == [["att_1"]]
        [report] = node.server.usage
        [sample] = report.samples
        assert (report.boot_id, report.devices) == ("boot", {"GPU-1": 930})
        assert (sample.age_ms, sample.cpu_milli, sample.disk_mib) == (10_000, 700, None)

    async def test_it_is_told_again_now_and_then_only(self, node):
        node.run("att_1", cpu_milli=700)
        await node.told()

        node.clock.advance(4)
        soon = await node.told()
        node.clock.advance(1)

        assert soon == [["att_1"]]
        assert await node.told() == [["att_1"], ["att_1"]]

    async def test_all_attempts_are_told_of_at_once(self, node):
        node.run("att_2", cpu_milli=1)
        node.run("att_1", cpu_milli=1)

        assert await node.told() == [["att_1", "att_2"]]

    async def test_the_end_of_the_last_one_is_told_once(self, node):
        node.run("att_1", cpu_milli=1)
        await node.told()

        node.files.clear()
        node.clock.advance(60)
        await node.told()

        assert await node.told() == [["att_1"], []]

    async def test_a_node_that_is_not_registered_says_nothing(self, node):
        node.run("att_1", cpu_milli=1)
        node.id = None

        assert await node.told() == []

    async def test_what_is_lost_costs_a_turn_and_no_noise(self, node, caplog):
        caplog.set_level(logging.INFO)
        node.run("att_1", cpu_milli=1)
        node.server.is_away = True
        await node.told()

        node.server.is_away = False
        soon = await node.told()
        node.clock.advance(5)

        assert (soon, await node.told()) == ([], [["att_1"]])
        assert caplog.records == []

    async def test_one_that_cannot_be_believed_does_not_hide_the_others(self, node):
        node.run("att_1", cpu_milli=1)
        node.run("att_2", cpu_milli="much")

        assert await node.told() == [["att_1"]]


class TestSampleIn:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"taken_at": None},
            {"taken_at": 1e999},
            {"taken_at": -(2**63)},
            {"cpu_ms": -1},
            {"memory_mib": 2**60},
            {"processes": [1]},
        ],
    )
    def test_what_an_attempt_may_have_written_is_checked(self, tmp_path, wrong):
        path = tmp_path / "usage.json"
        path.write_text(json.dumps(SAMPLE | wrong))

        assert sample_in("att_1", path, 100.0) is None

    def test_what_is_no_document_is_none(self, tmp_path):
        path = tmp_path / "usage.json"
        path.write_text("[1]")

        assert sample_in("att_1", path, 100.0) is None
        assert sample_in("att_1", tmp_path / "missing", 100.0) is None

    def test_one_written_while_we_looked_is_of_now(self, tmp_path):
        path = tmp_path / "usage.json"
        path.write_text(json.dumps(SAMPLE | {"taken_at": 100.2}))

        sample = sample_in("att_1", path, 100.0)

        assert sample is not None
        assert sample.age_ms == 0
