"""Who is left below a process that adopts orphans; each test in a process of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="adopting is Linux's")

_ORPHAN = """
import os, signal, subprocess, time
from pileus.compute import subreaper

assert subreaper.adopt_orphans()
assert subreaper.is_childless()
words = ["sh", "-c", "setsid sleep 60 >/dev/null & echo $!"]
orphan = int(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
assert not subreaper.is_childless()
os.kill(orphan, signal.SIGKILL)
while not subreaper.is_childless():
    time.sleep(0.01)
print("alone")
"""


class TestIsChildless:
    def test_an_orphan_that_left_its_session_counts_until_it_has_ended(self):
        done = subprocess.run(
            [sys.executable, "-c", _ORPHAN], capture_output=True, text=True, check=False, timeout=30
        )

        assert (done.stdout, done.stderr) == ("alone\n", "")
