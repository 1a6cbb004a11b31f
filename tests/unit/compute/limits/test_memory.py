import os
import subprocess
import sys

import pytest

from pileus.compute.limits.memory import exactly_used_bytes, used_bytes

MIB = 1 << 20


@pytest.fixture
def hungry():
    process = subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(100 << 20); print('up', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process.pid
    process.communicate(b"\n")


class TestUsedBytes:
    def test_beyond_the_limit_it_counts_what_cannot_be_taken_back(self, hungry):
        assert 100 * MIB <= used_bytes([hungry], 50 * MIB) < 120 * MIB

    def test_below_the_limit_it_is_never_too_low(self, hungry):
        assert 100 * MIB <= used_bytes([hungry], 500 * MIB) < 500 * MIB

    def test_a_process_that_has_gone_uses_nothing(self):
        assert used_bytes([2**22 + 1], 0) == 0

    def test_it_is_ours_too(self):
        assert used_bytes([os.getpid()], 1 << 40) > MIB


class TestExactlyUsedBytes:
    def test_it_counts_no_file_that_is_mapped(self, hungry):
        exact = exactly_used_bytes([hungry])

        assert 100 * MIB <= exact < used_bytes([hungry], 500 * MIB)
