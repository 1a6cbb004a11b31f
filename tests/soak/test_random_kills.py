"""kill -9 of whatever lives, fifty times, while a team works."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.installation import Installation, processes_of
from tests.soak.invariants import check, check_nothing_half_written
from tests.soak.story import Story

KILLS = 50
_PAUSE_SECONDS = (0.5, 6.0)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    installation = Installation(tmp_path / "installation")
    try:
        # Three deaths of one job are not rare among fifty kills, and fail it as they should;
        # seven make it wait for two minutes.
        yield Story(installation, {"PILEUS_JOBS__RETRY_SECONDS_MAX": "5"}, tries=KILLS + 1)
    finally:
        installation.end()


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_fifty_random_kills_lose_nothing(story: Story) -> None:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")  # noqa: T201  a failure is repeated with it
    killer = Killer(story.installation, random.Random(seed))
    story.up()
    story.round()

    killer.start()
    while killer.is_alive():
        story.round()
    killer.join()
    story.rest()

    print(f"killed {Counter(killer.killed)}")  # noqa: T201
    assert len(killer.killed) == KILLS, "the killer died"
    check(story)
    check_nothing_half_written(story)


class Killer(threading.Thread):
    """Kills a process of the installation now and then; commands that a person types are spared."""

    def __init__(self, installation: Installation, choose: random.Random) -> None:
        super().__init__(daemon=True)
        self.killed: list[str] = []
        self._installation = installation
        self._random = choose
        self._pause = threading.Event()

    def run(self) -> None:
        while len(self.killed) < KILLS:
            self._pause.wait(self._random.uniform(*_PAUSE_SECONDS))
            with suppress(ProcessLookupError, psutil.Error):  # it went by itself
                self._kill_one()

    def _kill_one(self) -> None:
        # A document of a dead supervisor names pids that may be somebody else's by now.
        own = {process.pid for process in processes_of(self._installation.home)}
        known = self._installation.document("pids.json")
        candidates = {name: pid for name, pid in known.items() if pid in own}
        if "worker" in candidates:
            # Zygotes, what they forked, and runners: nothing in their words tells of a home.
            for process in psutil.Process(candidates["worker"]).children(recursive=True):
                words = " ".join(process.cmdline())
                kinds = [kind for kind in ("zygote", "runner") if f"pileus.compute.{kind}" in words]
                kind = kinds[0] if kinds else "command"
                candidates[f"{kind} {process.pid}"] = process.pid
        if not candidates:
            return
        # The supervisor takes all others with it, so it goes less often.
        names = [name for name in sorted(candidates) if name != "supervisor"] * 4 + ["supervisor"]
        name = self._random.choice(names)
        if name in candidates:
            os.kill(candidates[name], signal.SIGKILL)
            self.killed.append(name.split()[0])
