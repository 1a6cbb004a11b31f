"""What attempts say of themselves, in one file to which all append: who ran when.

The kernel orders what is appended, so the order of lines is that of events, whatever a clock shows.
A lock of the job's is held by all processes of an attempt and goes with the last of them, so that an
attempt which begins knows whether an earlier one still has any, between two of its lines too.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

WORD = "word.txt"
"""The artifact that an attempt leaves: the label of its job."""

FROM = "from"
"""The input in which it finds that of a job that it needs."""

_BEAT_SECONDS = 0.1

_PROGRAM = f"""
import fcntl, os, signal, sys, time
log, locks, label, seconds, code, source, *ways = sys.argv[1:]
home = os.environ["PILEUS_ATTEMPT_DIR"]
attempt = os.path.basename(home)
lines = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

def say(what):
    os.write(lines, f"{{label}} {{attempt}} {{what}} {{time.monotonic_ns()}}\\n".encode())

def beat(seconds):
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, {_BEAT_SECONDS}))
        say("beat")

lock = os.open(os.path.join(locks, label), os.O_RDWR | os.O_CREAT, 0o600)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    say("twice")
say("begin")
if "stubborn" in ways:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "leaves" in ways and os.fork() == 0:
    os.setsid()
    beat(60)
    os._exit(0)
if source and open(os.path.join(home, "inputs", "{FROM}", "{WORD}")).read() != source:
    sys.exit("this is not what the other job left")
beat(float(seconds))
with open(os.path.join(home, "out", "{WORD}"), "w") as word:
    word.write(label)
print(label, attempt)
say("end")
sys.exit(int(code))
"""


@dataclass
class Trace:
    """What one attempt left in the file."""

    attempt: str
    begins: int = 0
    has_ended: bool = False
    last_ns: int = 0
    """On the monotonic clock, which all processes of a machine share."""


@dataclass
class Fences:
    """The file, the locks, and how a command comes to write to them."""

    directory: Path
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.directory / "log"
        (self.directory / "locks").mkdir(parents=True)
        self.log.touch()

    def command(
        self, label: str, seconds: float, code: int, source: str, ways: Sequence[str]
    ) -> list[str]:
        """Runs for so long and ends with that code; `source` is the job whose word it reads."""
        program = [sys.executable, "-I", "-S", "-c", _PROGRAM]
        where = [str(self.log), str(self.directory / "locks")]
        return [*program, *where, label, str(seconds), str(code), source, *ways]

    def traces(self) -> dict[str, list[Trace]]:
        """Attempts that ran, by the label of their job, in the order in which they began.

        Fails where two of one job ran at once, or one twice.
        """
        of_label: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        text = self.log.read_text("ascii")
        for line in text[: text.rfind("\n") + 1].splitlines():  # one may just be written
            label, attempt, what, moment = line.split()
            of_label[label].append((attempt, what, int(moment)))
        found = {label: _traces(label, lines) for label, lines in of_label.items()}
        assert all(found.values())
        return found


def _traces(label: str, lines: Sequence[tuple[str, str, int]]) -> list[Trace]:
    runs = [attempt for attempt, _ in groupby(attempt for attempt, _, _ in lines)]
    assert len(set(runs)) == len(runs), f"attempts of {label} ran at once: {runs}"
    found = {attempt: Trace(attempt) for attempt in runs}
    for attempt, what, moment in lines:
        assert what != "twice", f"{attempt} of {label} found another one running: {runs}"
        trace = found[attempt]
        trace.begins += what == "begin"
        trace.has_ended = trace.has_ended or what == "end"
        trace.last_ns = max(trace.last_ns, moment)
    assert all(trace.begins == 1 for trace in found.values()), f"an attempt of {label} ran twice"
    return list(found.values())
