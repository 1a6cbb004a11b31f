import os
import subprocess

import pytest

from pileus.compute.layout import Layout
from pileus.compute.limits import disk
from pileus.compute.limits.cgroup import Cgroup
from pileus.compute.limits.sampling import (
    EVERY_SECONDS,
    FIRST_SECONDS,
    Reading,
    Sampler,
    Tree,
    of_group,
    of_tree,
)
from tests.unit.compute.building import json_in, python

MIB = 1 << 20


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path)


def make_sampler(layout, *readings, quota_mib=None, began=100.0):
    given = iter(readings)
    return Sampler(layout, lambda: next(given), lambda: quota_mib, began)


class TestSampler:
    def test_it_looks_only_when_it_is_due(self, layout):
        sampler = make_sampler(layout, Reading(0, 10, 1))

        sampler.look(100 + FIRST_SECONDS - 0.1)

        assert not layout.usage.exists()

    def test_processors_in_use_are_those_since_the_last_look(self, layout):
        sampler = make_sampler(layout, Reading(400, 10, 1), Reading(4400, 10, 1))

        sampler.look(100.5)
        first = json_in(layout.usage)["cpu_milli"]
        sampler.look(102.5)

        assert (first, json_in(layout.usage)["cpu_milli"]) == (800, 2000)
        assert json_in(layout.usage)["cpu_ms"] == 4400

    def test_the_peak_stays_when_memory_is_given_back(self, layout):
        sampler = make_sampler(layout, Reading(1, 300, 4), Reading(2, 20, 1))

        sampler.look(100.5)
        sampler.look(102.5)

        sample = json_in(layout.usage)
        assert (sample["memory_mib"], sample["memory_peak_mib"]) == (20, 300)
        assert (sample["processes"], sample["taken_at"]) == (1, 102.5)

    def test_time_that_nobody_has_asked_for_yet_is_not_taken_back(self, layout):
        sampler = make_sampler(layout, Reading(900, 1, 2), Reading(500, 1, 1))

        sampler.look(100.5)
        sampler.look(100.5 + EVERY_SECONDS)

        sample = json_in(layout.usage)
        assert (sample["cpu_ms"], sample["cpu_milli"]) == (900, 0)

    def test_disk_is_what_the_quota_has_seen(self, layout):
        sampler = make_sampler(layout, Reading(1, 1, 1), quota_mib=77)

        sampler.look(100.5)

        assert json_in(layout.usage)["disk_mib"] == 77

    def test_without_a_quota_disk_is_looked_at_more_rarely(self, layout):
        sampler = make_sampler(layout, *[Reading(1, 1, 1)] * 3)
        sampler.look(100.5)
        (layout.directory / "file").write_bytes(b"x" * 3 * MIB)

        sampler.look(102.5)
        soon = json_in(layout.usage)["disk_mib"]
        sampler.look(111)

        assert (soon, json_in(layout.usage)["disk_mib"]) == (0, 3)

    def test_a_directory_that_takes_long_to_count_has_no_figure(self, layout, monkeypatch):
        asked = []

        def give_up(*_, **__):
            asked.append(1)
            raise TimeoutError

        monkeypatch.setattr(disk, "used_bytes", give_up)
        sampler = make_sampler(layout, *[Reading(1, 1, 1)] * 2)

        sampler.look(100.5)
        sampler.look(300)

        assert sampler.final(1)["disk_mib"] is None
        assert len(asked) == 1

    def test_the_end_has_the_largest_of_all_that_is_known(self, layout):
        sampler = make_sampler(layout, Reading(900, 50, 2))
        sampler.look(100.5)
        (layout.directory / "file").write_bytes(b"x" * MIB)

        assert sampler.final(1200) == {"cpu_ms": 1200, "memory_peak_mib": 50, "disk_mib": 1}

    def test_nothing_is_made_up_of_one_that_was_not_looked_at(self, layout):
        assert make_sampler(layout).final(1200) == {}

    def test_a_directory_that_is_gone_does_no_harm(self, tmp_path):
        sampler = make_sampler(Layout(tmp_path / "gone"), Reading(1, 1, 1))

        sampler.look(100.5)

        assert sampler.final(0)["cpu_ms"] == 1


class TestReadings:
    def test_a_group_is_read_as_the_kernel_counts_it(self, tmp_path):
        (tmp_path / "memory.stat").write_text(f"anon {40 * MIB}\n")
        (tmp_path / "cpu.stat").write_text("usage_usec 1500000\n")
        (tmp_path / "cgroup.procs").write_text("11\n12\n")

        assert of_group(Cgroup(tmp_path)) == Reading(1500, 40, 2)

    def test_a_tree_has_the_time_of_children_that_have_ended(self):
        before = of_tree(set()).cpu_ms

        burn = "import time\nwhile time.process_time() < 0.2: pass"
        subprocess.run(python(burn), check=True)

        assert of_tree(set()).cpu_ms - before >= 200

    def test_a_tree_counts_who_lives(self):
        reading = of_tree({os.getpid()})

        assert reading.processes == 1
        assert reading.memory_mib > 1


class TestTree:
    def test_it_is_walked_once_for_all_who_look_at_the_same_time(self):
        tree = Tree()

        assert tree.now() is tree.lately(60)
        assert tree.lately(-1) is not tree.lately(-1)
