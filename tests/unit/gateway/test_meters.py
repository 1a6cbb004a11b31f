import os
import signal
import subprocess
import sys

import pytest

from pileus.gateway import meter_file
from pileus.gateway.boot import LaneBoot
from pileus.gateway.errors import MetersFull
from pileus.gateway.meter_file import MeterKey
from pileus.gateway.meters import Meters, find_dead

BOOT = LaneBoot("ab" * 16, 7)
KEY = MeterKey("prj_a", "tok_1", "rev_1", "prc_1")

COUNT_FOREVER = """
import sys
from pathlib import Path
from pileus.gateway.boot import LaneBoot
from pileus.gateway.meter_file import MeterKey
from pileus.gateway.meters import Meters

meters = Meters(Path(sys.argv[1]), LaneBoot("ab" * 16, 7))
slot = meters.slot(MeterKey("prj_a", "tok_1", "rev_1", "prc_1"))
answered = 0
while True:
    slot.advance(predictions=3, bytes_in=10, bytes_out=20, errors=0)
    answered += 1
    if answered % 100 == 0:
        print(answered, flush=True)
"""


def advance(meters, key=KEY, predictions=1):
    meters.slot(key).advance(predictions=predictions, bytes_in=10, bytes_out=20, errors=0)


class TestMeters:
    def test_counters_are_absolute_and_the_sequence_grows_with_them(self, tmp_path):
        meters = Meters(tmp_path, BOOT)

        advance(meters)
        first = meters.report()
        advance(meters, predictions=5)
        second = meters.report()

        [counter] = second.counters
        assert (counter.requests, counter.predictions, counter.bytes_in) == (2, 6, 20)
        assert second.sequence > first.sequence
        assert (second.source, second.lane) == (BOOT.source, BOOT.lane)
        meters.close()

    def test_another_file_is_begun_when_slots_run_out(self, tmp_path):
        meters = Meters(tmp_path, BOOT, slots_per_file=2)

        for number in range(5):
            advance(meters, KEY._replace(token=f"tok_{number}"))

        report = meters.report()
        assert len(list(tmp_path.glob("*.meter"))) == 3
        assert [counter.slot for counter in report.counters] == [0, 1, 2, 3, 4]
        meters.close()
        [dead] = find_dead(tmp_path)
        assert dead.report().counters == report.counters
        dead.close()

    def test_a_full_disk_refuses_new_keys_and_leaves_no_file(self, tmp_path, monkeypatch):
        meters = Meters(tmp_path, BOOT, slots_per_file=1)
        advance(meters)

        def full(*arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", full)

        with pytest.raises(MetersFull, match="No space left"):
            meters.slot(KEY._replace(token="tok_2"))
        advance(meters)
        assert meters.report().counters[0].requests == 2
        assert len(list(tmp_path.iterdir())) == 1
        meters.close()

    def test_a_living_lanes_file_is_nobody_elses(self, tmp_path):
        meters = Meters(tmp_path, BOOT)

        assert find_dead(tmp_path) == []
        meters.close()

    def test_counters_survive_a_kill(self, tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-c", COUNT_FOREVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
        process.stdout.close()
        process.wait()

        [dead] = find_dead(tmp_path)

        report = dead.report()
        answered = int(next(line for line in reversed(said) if line.endswith("\n")))
        [counter] = report.counters
        assert report.final
        # Between two lines of output the process counted at most 100 requests, one cut in the middle.
        assert answered <= counter.requests <= answered + 100
        assert counter.requests * 3 - 3 <= counter.predictions <= counter.requests * 3
        dead.delete()
        assert list(tmp_path.iterdir()) == []

    def test_a_file_cut_while_it_was_made_is_removed(self, tmp_path):
        (tmp_path / f"0007-{BOOT.source}-0000.new").write_bytes(b"")

        assert find_dead(tmp_path) == []
        assert list(tmp_path.iterdir()) == []

    def test_a_damaged_file_is_left_for_a_person(self, tmp_path, caplog):
        path = tmp_path / f"0007-{BOOT.source}-0000.meter"
        path.write_bytes(b"\0" * 8192)

        assert find_dead(tmp_path) == []
        assert path.exists()
        assert "cannot read the meter file" in caplog.text


class TestMeterFile:
    def test_a_key_that_was_cut_is_no_slot(self, tmp_path):
        file = meter_file.create(tmp_path, BOOT, 0, 4)
        base = file.add(KEY)
        file.words[base + 5] = 0  # killed before the length was set

        assert list(file.slots()) == []
        file.close()

    def test_a_key_too_long_for_a_slot_is_refused(self, tmp_path):
        file = meter_file.create(tmp_path, BOOT, 0, 4)

        with pytest.raises(ValueError, match="longer"):
            file.add(KEY._replace(token="t" * 500))
        file.close()
