"""What a runner notes of the times at which its attempt writes."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from pileus.compute import stamping
from pileus.compute.files import replace_json
from pileus.compute.runner import arguments_for
from pileus.compute.stamping import Stamper, complete
from pileus.core.stamps import RECORD, TimedLines
from tests.unit.compute.building import (
    make_directory,
    make_launch,
    number_in,
    python,
    wait_until,
)

LINES = """
import os, sys, time
with open("pid", "w") as file:
    file.write(f"{os.getpid()}\\n")
number = 0
while number < int(sys.argv[1]):
    os.write(1, f"{time.time():.6f} {number}\\n".encode())
    number += 1
    time.sleep(0.003)
"""


@pytest.fixture
def layout(tmp_path):
    return make_directory(tmp_path)


@pytest.fixture
def run(layout):
    started = []

    def start(*command):
        replace_json(layout.launch, make_launch(layout, *command).document())
        process = subprocess.Popen(
            arguments_for(layout.directory),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def records_in(path):
    return list(RECORD.iter_unpack(path.read_bytes()))


def write(path, data, at=None):
    with path.open("ab") as file:
        file.write(data)
    if at is not None:
        os.utime(path, (at, at))


def late_by(layout):
    """Seconds between what each line says of itself and its stamp."""
    log, lines = layout.stdout.read_bytes(), TimedLines()
    lines.add(log, 0, len(log))
    lines.add_times(layout.stdout_times.read_bytes())
    return [
        span.micros / 1e6 - float(line.split()[0])
        for span in lines.take()
        for line in span.lines.splitlines()
    ]


class TestRunner:
    def test_each_line_has_the_time_at_which_it_was_written(self, layout, run):
        run(*python(LINES), "300").wait()

        late = late_by(layout)
        # The file's time is that of the kernel's last tick, which is some milliseconds old.
        assert len(late) == 300
        assert min(late) > -0.02
        records = records_in(layout.stdout_times)
        assert len(records) > 2, "it was not only looked at when all was over"
        assert records[-1][1] == layout.stdout.stat().st_mtime_ns // 1000

    def test_a_runner_that_is_killed_leaves_stamps_that_can_be_completed(self, layout, run):
        runner = run(*python(LINES), "100000")
        wait_until(lambda: layout.stdout_times.exists() and layout.stdout_times.stat().st_size > 64)
        runner.send_signal(signal.SIGKILL)
        runner.wait()
        time.sleep(0.2)  # the attempt goes on until somebody ends it
        wait_until(lambda: number_in(layout.work / "pid") is not None)
        os.kill(number_in(layout.work / "pid"), signal.SIGKILL)
        time.sleep(0.05)
        before = layout.stdout_times.read_bytes()

        complete(layout)
        complete(layout)

        records = records_in(layout.stdout_times)
        assert layout.stdout_times.read_bytes()[: len(before)] == before
        assert len(records) == len(before) // RECORD.size + 1
        assert records[-1][0] == layout.stdout.stat().st_size
        assert records[-1][1] == layout.stdout.stat().st_mtime_ns // 1000
        assert records == sorted(records)


class TestStamper:
    def test_what_did_not_grow_has_no_stamp(self, layout):
        stamper = Stamper(layout)
        write(layout.stdout, b"one\n", at=1000.0)

        looks = stamper.look(), stamper.look()
        write(layout.stdout, b"two\n", at=1001.5)
        stamper.look()
        stamper.finish()

        assert looks == (True, False)
        assert records_in(layout.stdout_times) == [(4, 1_000_000_000), (8, 1_001_500_000)]
        assert not layout.stderr_times.exists()

    def test_times_never_go_back_and_are_never_to_come(self, layout):
        stamper = Stamper(layout)
        for at in (2000.0, 1000.0, time.time() + 1e6):
            write(layout.stdout, b"x\n", at=at)
            stamper.look()

        first, second, third = (micros for _, micros in records_in(layout.stdout_times))

        assert first == second == 2_000_000_000
        assert third <= time.time_ns() // 1000

    def test_they_take_no_more_than_a_part_of_the_log_and_the_last_is_always_there(
        self, layout, monkeypatch
    ):
        monkeypatch.setattr(stamping, "_FREE_BYTES", 10 * RECORD.size)
        stamper, now = Stamper(layout), time.time()
        for place in range(500):
            write(layout.stdout, b".", at=now - 0.5 + place / 1000)
            stamper.look()
        count = len(records_in(layout.stdout_times))

        stamper.finish()

        records = records_in(layout.stdout_times)
        assert 10 <= count <= 10 + 500 // (4 * RECORD.size) + 1
        assert records[-1] == (500, pytest.approx((now - 0.001) * 1e6, abs=10))

    def test_a_silent_attempt_costs_little(self, layout):
        stamper, (readable, writable) = Stamper(layout), os.pipe()
        before = time.process_time()

        stamper.wait(readable, 1.0)

        os.close(readable)
        os.close(writable)
        assert time.process_time() - before < 0.02


class TestComplete:
    def test_where_nothing_was_stamped_nothing_is_guessed(self, layout):
        write(layout.stdout, b"of an earlier release\n")

        complete(layout)

        assert not layout.stdout_times.exists()

    def test_a_record_that_a_full_disk_cut_off_does_not_shift_the_next(self, layout):
        write(layout.stdout, b"one\ntwo\n", at=1001.0)
        write(layout.stdout_times, RECORD.pack(4, 1_000_000_000) + b"\x06\0\0")

        complete(layout)

        assert records_in(layout.stdout_times)[0] == (4, 1_000_000_000)
        assert records_in(layout.stdout_times)[-1] == (8, 1_001_000_000)
